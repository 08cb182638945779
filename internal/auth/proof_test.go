package auth_test

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"

	"barong/clients/go/signing"
	"barong/internal/auth"
)

// Guards that the journal gets for every algorithm the digest of what was signed, a signature that an
// independent library verifies over it, and the thumbprint that another library computes.
func TestTheProofOfEveryAlgorithm(t *testing.T) {
	t.Parallel()
	for _, algorithm := range signing.Algorithms() {
		p := newParty("alex", algorithm)()
		payload := b64(goodPayload)
		signature := honest(t, p, payload)
		c := mustParse(t, envelope(t, payload, signature))
		if _, err := keychainOf(t, p).Authorize(c, writeLabels, now); err != nil {
			t.Fatal(algorithm, err)
		}
		proof := c.Proof()
		if len(proof.Signatures) != 1 || proof.Token != nil {
			t.Fatalf("%s: %+v", algorithm, proof)
		}
		got := proof.Signatures[0]
		input := signature.Protected.(string) + "." + payload
		hash := map[string]crypto.Hash{"256": crypto.SHA256, "384": crypto.SHA384, "512": crypto.SHA512, "DSA": crypto.SHA512}[algorithm[len(algorithm)-3:]].New()
		hash.Write([]byte(input))
		if !bytes.Equal(got.Digest, hash.Sum(nil)) || got.KID != "alex" || got.Algorithm != algorithm || got.Protected != signature.Protected {
			t.Errorf("%s: %+v", algorithm, got)
		}
		key := p.key(t)
		if signer, ok := key.(crypto.Signer); ok {
			key = signer.Public()
			want, err := (&jose.JSONWebKey{Key: key}).Thumbprint(crypto.SHA256)
			if err != nil || got.Thumbprint != base64.RawURLEncoding.EncodeToString(want) {
				t.Errorf("%s: the thumbprint is %q, %v", algorithm, got.Thumbprint, err)
			}
		} else if got.Thumbprint != "" {
			t.Errorf("%s: a secret has the thumbprint %q", algorithm, got.Thumbprint)
		}
		if err := jwt.GetSigningMethod(algorithm).Verify(input, got.Value, key); err != nil {
			t.Errorf("%s: %v", algorithm, err)
		}
	}
}

// Guards that only signatures that permitted the operation are kept.
func TestTheProofNamesPermittedSignersOnly(t *testing.T) {
	t.Parallel()
	payload := b64(goodPayload)
	c := mustParse(t, envelope(t, payload, honest(t, james(), payload), honest(t, alex(), payload), honest(t, jeff(), payload)))
	signers, err := keychain(t, "").Authorize(c, writeLabels, now)
	if err != nil {
		t.Fatal(err)
	}
	var kids []string
	for _, s := range c.Proof().Signatures {
		kids = append(kids, s.KID)
	}
	if fmt.Sprint(kids) != fmt.Sprint(signers) || fmt.Sprint(kids) != "[alex jeff]" {
		t.Errorf("%v of %v", kids, signers)
	}
}

// Guards that of a Bearer token only its digest is kept, whether the token was verified before or is
// too long for the cache: the token itself would remain usable.
func TestTheProofOfABearerTokenIsItsDigest(t *testing.T) {
	t.Parallel()
	k := keychainOf(t, alex())
	claims := signing.Claims{IssuedAt: now, ExpiresAt: now.Add(60e9)}
	short := tokenOf(t, alex(), claims)
	claims.Subject = strings.Repeat("x", 8<<10)
	long := tokenOf(t, alex(), claims)
	for _, token := range []string{short, short, long} {
		c, err := k.ParseBearer("Bearer " + token)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := k.Authorize(c, writeLabels, now); err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256([]byte(token))
		if proof := c.Proof(); !bytes.Equal(proof.Token, sum[:]) || proof.Signatures != nil {
			t.Errorf("%+v", proof)
		}
	}
}

// Guards what counts as an identifier of a request, and which payloads may be kept: those whose members are
// claims and declared parameters.
func TestIdentifiersAndPlainPayloads(t *testing.T) {
	t.Parallel()
	onlyA := func(name []byte) bool { return string(name) == "a" }
	for payload, want := range map[string]struct {
		id    string
		plain bool
	}{
		`{"data":{"a":1},"jti":"j"}`:         {"j", true},
		`{"data":{"a":1},"jti":17}`:          {"17", true},
		`{"data":{"a":1},"jti":"\u006a"}`:    {"j", true},
		`{"data":{"a":1},"jti":null}`:        {"", true},
		`{"data":{"a":1},"jti":["j"]}`:       {"", true},
		`{"data":{"a":1,"b":2},"jti":"j"}`:   {"j", false},
		`{"data":{"a":1},"jti":"j","n":"x"}`: {"j", false},
	} {
		c, _, err := new(auth.Keychain).ParseEnvelope(t.Context(), envelope(t, b64(payload), sig{Protected: b64(`{}`), Signature: ""}), onlyA)
		if err != nil {
			t.Fatal(err)
		}
		if c.ID() != want.id || (c.PlainPayload(1000) == b64(payload)) != want.plain {
			t.Errorf("%s: %q, %q", payload, c.ID(), c.PlainPayload(1000))
		}
		if c.PlainPayload(10) != "" {
			t.Errorf("%s: a payload above the limit is kept", payload)
		}
	}
}
