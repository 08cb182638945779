package signing_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"barong/clients/go/signing"
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

var (
	alex   = newParty("alex", "RS256")
	jeff   = newParty("jeff", "ES256")
	james  = newParty("james", "EdDSA")
	secret = newParty("hs", "HS256") // shares a secret with the server
)

// publicPEM returns the public key before it is encoded for the keychain.
func (p party) publicPEM(t testing.TB) []byte {
	t.Helper()
	public, err := base64.URLEncoding.DecodeString(p.value)
	if err != nil {
		t.Fatal(err)
	}
	return public
}

// b64 encodes in base64url without padding.
func b64[text string | []byte](data text) string {
	return base64.RawURLEncoding.EncodeToString([]byte(data))
}

// verifies reports whether value, in base64url, is a signature by the party.
func (p party) verifies(t testing.TB, protected, payload, value string) bool {
	t.Helper()
	key, err := signing.ParseVerificationKey(p.algorithm, p.value)
	if err != nil {
		t.Fatal(err)
	}
	signature, err := base64.RawURLEncoding.DecodeString(value)
	if err != nil {
		t.Fatal(err)
	}
	return key.Verify(protected+"."+payload, signature) == nil
}

// general is an envelope in its JSON form.
type general struct {
	Payload    string
	Signatures []struct {
		Protected string
		Header    map[string]string
		Signature string
	}
}

func decode(t testing.TB, envelope []byte) (g general) {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(string(envelope)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&g); err != nil {
		t.Fatal(err)
	}
	return g
}

func contains(t testing.TB, err error, part string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), part) {
		t.Errorf("the error must say %q: %v", part, err)
	}
}
