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

// now is the current time in all tests.
var now = time.Unix(1_800_000_000, 0).UTC()

// party is a signer with a key pair.
type party struct {
	name, algorithm string
	private         []byte
	value           string // the value of the public key in the keychain
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

// In the keychain of most tests, alex must sign, jeff may sign, and james has no scope. The
// impostor uses the name alex with another key.
var (
	alex     = newParty("alex", "RS256")
	jeff     = newParty("jeff", "ES256")
	james    = newParty("james", "EdDSA")
	impostor = newParty("alex", "RS256")
)

// entry returns the party's entry in the keychain.
func (p party) entry() string { return auth.KeychainEntry(p.name, p.algorithm, p.value) }

// key returns the private key in the library's type, to sign what a Signer would reject.
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

// publicPEM returns the public key before it is encoded for the keychain.
func (p party) publicPEM(t testing.TB) []byte {
	t.Helper()
	public, err := base64.URLEncoding.DecodeString(p.value)
	if err != nil {
		t.Fatal(err)
	}
	return public
}

// scopes is the section of scopes in most tests.
const scopes = `
scopes:
  write_labels: {permitted_signers: [alex, jeff], mandatory_signers: [alex]}
  read_labels: {permitted_signers: [jeff], mandatory_signers: [jeff]}
  write_users: {permitted_signers: [alex, jeff], mandatory_signers: [alex, jeff]}
`

// keychain returns a keychain with alex, jeff and james, and with these options in the section
// jwt.
func keychain(t testing.TB, options string) *auth.Keychain {
	t.Helper()
	return parse(t, fmt.Sprintf("keychain:\n%s\n%s\n%s\njwt: {%s}\n%s", alex().entry(), jeff().entry(), james().entry(), options, scopes))
}

// keychainOf returns a keychain with one party, which may and must sign write_labels.
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

// b64 encodes in base64url without padding.
func b64[text string | []byte](data text) string {
	return base64.RawURLEncoding.EncodeToString([]byte(data))
}

// writeLabels is the operation that the tests call.
var writeLabels = auth.Operation{ID: "createLabel", Scope: "write_labels"}

// goodPayload has valid claims and the data {"a":1}.
var goodPayload = fmt.Sprintf(`{"data":{"a":1},"iat":%d,"exp":%d,"jti":"j"}`, now.Unix(), now.Unix()+60)

// sig is one signature of a hand-made envelope, in its JSON form.
type sig struct {
	Protected any `json:"protected,omitempty"`
	Header    any `json:"header,omitempty"`
	Signature any `json:"signature,omitempty"`
}

// kid returns an unprotected header with a kid.
func kid(name string) map[string]any { return map[string]any{"kid": name} }

// signed signs a payload (in base64url) with any protected header, given as JSON.
func signed(t testing.TB, p party, protected, payload string) sig {
	t.Helper()
	return sig{Protected: b64(protected), Header: kid(p.name), Signature: raw(t, p.algorithm, p.key(t), b64(protected), payload)}
}

// honest returns the signature that a correct client of the party makes over the payload.
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

// envelope builds an envelope from a payload (in base64url) and signatures.
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

// anything accepts every parameter.
func anything([]byte) bool { return true }

// mustParse parses a body that must be an envelope.
func mustParse(t testing.TB, body []byte) *auth.Credentials {
	t.Helper()
	c, isEnvelope, err := new(auth.Keychain).ParseEnvelope(t.Context(), body, anything)
	if err != nil || !isEnvelope {
		t.Fatalf("no envelope: %v", err)
	}
	return c
}

// Outcomes of an authorisation.
const (
	allowed    = "allowed"
	unverified = "unverified"
	incomplete = "incomplete"
	unreadable = "unreadable"
)

// outcome returns the name of an error of the package. It fails the test for an error without
// a cause.
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

// authorize parses an envelope and authorises it for write_labels.
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
