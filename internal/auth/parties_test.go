package auth_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"barong/clients/go/signing"
	"barong/internal/auth"
	"barong/internal/problem"
)

// now is the time of every test.
var now = time.Unix(1_800_000_000, 0).UTC()

// party is somebody with a key pair.
type party struct {
	name, algorithm string
	private         []byte
	value           string // of the keychain
	signer          *signing.Signer
}

func newParty(name, algorithm string) func() party {
	return sync.OnceValue(func() party {
		private, value, err := signing.GenerateKey(algorithm)
		if err != nil {
			panic(err)
		}
		signer, err := signing.NewSigner(name, algorithm, private)
		if err != nil {
			panic(err)
		}
		return party{name: name, algorithm: algorithm, private: private, value: value, signer: signer}
	})
}

// alex must sign, jeff may, james is known and permitted nowhere; the impostor
// calls himself alex.
var (
	alex     = newParty("alex", "RS256")
	jeff     = newParty("jeff", "ES256")
	james    = newParty("james", "EdDSA")
	impostor = newParty("alex", "RS256")
)

// entry is the party's entry in the keychain.
func (p party) entry() string { return auth.KeychainEntry(p.name, p.algorithm, p.value) }

// key is the private key as the library takes it, for signing what a Signer would not.
func (p party) key(t testing.TB) any {
	t.Helper()
	var key any
	var err error
	switch p.algorithm[:2] {
	case "ES":
		key, err = jwt.ParseECPrivateKeyFromPEM(p.private)
	case "Ed":
		key, err = jwt.ParseEdPrivateKeyFromPEM(p.private)
	case "HS":
		key = p.private
	default:
		key, err = jwt.ParseRSAPrivateKeyFromPEM(p.private)
	}
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// publicPEM is the public half of the key before it is encoded for the keychain.
func (p party) publicPEM(t testing.TB) []byte {
	t.Helper()
	public, err := base64.URLEncoding.DecodeString(p.value)
	if err != nil {
		t.Fatal(err)
	}
	return public
}

// scopes are those of most tests.
const scopes = `
scopes:
  write_labels: {permitted_signers: [alex, jeff], mandatory_signers: [alex]}
  read_labels: {permitted_signers: [jeff], mandatory_signers: [jeff]}
  write_users: {permitted_signers: [alex, jeff], mandatory_signers: [alex, jeff]}
`

// keychain has alex, jeff and james, and the options of the section jwt.
func keychain(t testing.TB, options string) *auth.Keychain {
	t.Helper()
	return parse(t, fmt.Sprintf("keychain:\n%s\n%s\n%s\njwt: {%s}\n%s", alex().entry(), jeff().entry(), james().entry(), options, scopes))
}

// keychainOf has one party, who may and must sign write_labels.
func keychainOf(t testing.TB, p party) *auth.Keychain {
	t.Helper()
	return parse(t, fmt.Sprintf("keychain:\n%s\nscopes:\n  write_labels: {permitted_signers: [%s], mandatory_signers: [%s]}\n", p.entry(), p.name, p.name))
}

func parse(t testing.TB, file string) *auth.Keychain {
	t.Helper()
	k, err := auth.ParseKeychain([]byte(file), os.Getenv)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// b64 is base64url without padding.
func b64[text string | []byte](data text) string {
	return base64.RawURLEncoding.EncodeToString([]byte(data))
}

// writeLabels is the operation that the tests ask for.
var writeLabels = auth.Operation{ID: "createLabel", Scope: "write_labels"}

// goodPayload has good claims and the data {"a":1}.
var goodPayload = fmt.Sprintf(`{"data":{"a":1},"iat":%d,"exp":%d,"jti":"j"}`, now.Unix(), now.Unix()+60)

// sig is one signature of a hand-made envelope, as it stands in the JSON.
type sig struct {
	Protected any `json:"protected,omitempty"`
	Header    any `json:"header,omitempty"`
	Signature any `json:"signature,omitempty"`
}

// kid is an unprotected header with a kid.
func kid(name string) map[string]any { return map[string]any{"kid": name} }

// signed signs a payload (in base64url) under any protected header, given as JSON.
func signed(t testing.TB, p party, protected, payload string) sig {
	t.Helper()
	return sig{Protected: b64(protected), Header: kid(p.name), Signature: raw(t, p.algorithm, p.key(t), b64(protected), payload)}
}

// honest is the signature that a client of the party makes over the payload.
func honest(t testing.TB, p party, payload string) sig {
	t.Helper()
	return signed(t, p, `{"alg":"`+p.algorithm+`"}`, payload)
}

// raw signs a protected header and a payload, both in base64url.
func raw(t testing.TB, algorithm string, key any, protected, payload string) string {
	t.Helper()
	value, err := jwt.GetSigningMethod(algorithm).Sign(protected+"."+payload, key)
	if err != nil {
		t.Fatal(err)
	}
	return b64(value)
}

// envelope puts a payload (in base64url) and signatures together.
func envelope(t testing.TB, payload any, signatures ...sig) []byte {
	t.Helper()
	if signatures == nil {
		signatures = []sig{}
	}
	body, err := json.Marshal(map[string]any{"payload": payload, "signatures": signatures})
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// anything is every parameter.
func anything([]byte) bool { return true }

// mustParse parses what must be an envelope.
func mustParse(t testing.TB, body []byte) *auth.Credentials {
	t.Helper()
	c, isEnvelope, err := new(auth.Keychain).ParseEnvelope(t.Context(), body, anything)
	if err != nil || !isEnvelope {
		t.Fatalf("no envelope: %v", err)
	}
	return c
}

// outcomes of an authorisation.
const (
	allowed    = "allowed"
	unverified = "unverified"
	incomplete = "incomplete"
	unreadable = "unreadable"
)

// outcome names an error of the package, and fails on one without a cause for the log.
func outcome(t testing.TB, err error) string {
	t.Helper()
	if err == nil {
		return allowed
	}
	var e *problem.Error
	if !errors.As(err, &e) || e.Cause == nil {
		t.Fatalf("%v (%T) is not a problem.Error with a cause", err, err)
	}
	if len(e.Cause.Error()) > 1000 {
		t.Errorf("the cause would fill the log: %d bytes", len(e.Cause.Error()))
	}
	switch e.Detail {
	case auth.ErrUnverified.Detail:
		return unverified
	case auth.ErrMissingSignatures.Detail:
		return incomplete
	case auth.ErrUnparsableEnvelope.Detail:
		return unreadable
	}
	t.Fatalf("unexpected error: %v", err)
	return ""
}

// authorize parses an envelope and asks for write_labels.
func authorize(t testing.TB, k *auth.Keychain, body []byte) (string, []string, error) {
	t.Helper()
	c, isEnvelope, err := k.ParseEnvelope(t.Context(), body, anything)
	if !isEnvelope {
		t.Fatal("this is no envelope")
	}
	if err != nil {
		return outcome(t, err), nil, err
	}
	signers, err := k.Authorize(c, writeLabels, now)
	return outcome(t, err), signers, err
}

func contains(t testing.TB, err error, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("the error must say %q: %v", part, err)
		}
	}
}
