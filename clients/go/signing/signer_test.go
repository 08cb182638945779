package signing_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"slices"
	"strings"
	"testing"
	"time"

	"barong/clients/go/signing"
)

func TestEnvelopeHasTheFormThatBarongsClientsSend(t *testing.T) {
	t.Parallel()
	claims := signing.Claims{
		IssuedAt: now, NotBefore: now.Add(-time.Second), ExpiresAt: now.Add(time.Minute + time.Millisecond),
		JTI: "id", Issuer: "me", Audience: []string{"you"}, Subject: "it",
	}
	body, err := signing.Envelope([]byte(` {"b": 1.50, "a": "<&>"} `), claims, alex().signer, jeff().signer)
	if err != nil {
		t.Fatal(err)
	}
	got := decode(t, body)
	payload, err := base64.RawURLEncoding.DecodeString(got.Payload)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"data":{"b":1.50,"a":"<&>"},"iss":"me","sub":"it","aud":["you"],"iat":1800000000,"nbf":1799999999,"exp":1800000060,"jti":"id"}`
	if string(payload) != want {
		t.Errorf("payload is %s", payload)
	}
	if len(got.Signatures) != 2 || got.Signatures[0].Header["kid"] != "alex" || got.Signatures[1].Header["kid"] != "jeff" ||
		got.Signatures[0].Protected != b64(`{"alg":"RS256"}`) || got.Signatures[1].Protected != b64(`{"alg":"ES256"}`) {
		t.Errorf("%+v", got.Signatures)
	}
	for i, p := range []party{alex(), jeff()} {
		if s := got.Signatures[i]; !p.verifies(t, s.Protected, got.Payload, s.Signature) {
			t.Errorf("the signature by %s does not verify", p.name)
		}
	}
}

func TestWhatIsZeroIsNoClaim(t *testing.T) {
	t.Parallel()
	token, err := signing.Token(signing.Claims{}, alex().signer)
	if err != nil {
		t.Fatal(err)
	}
	if parts := strings.Split(token, "."); parts[0] != b64(`{"alg":"RS256","kid":"alex"}`) || parts[1] != b64(`{}`) {
		t.Error(token)
	}
}

func TestNewClaimsAreGoodForAWhileAndUnique(t *testing.T) {
	t.Parallel()
	a, b := signing.NewClaims(now, time.Minute), signing.NewClaims(now, time.Minute)
	if !a.IssuedAt.Equal(now) || !a.ExpiresAt.Equal(now.Add(time.Minute)) || len(a.JTI) < 20 || a.JTI == b.JTI {
		t.Errorf("%+v, %+v", a, b)
	}
}

func TestDataToSignMustBeAnObject(t *testing.T) {
	t.Parallel()
	for _, data := range []string{"", "null", "[]", `"x"`, "{", `{"a":1,"a":2}`, "{}{}", "{\"a\":\"\xff\"}"} {
		if _, err := signing.Envelope([]byte(data), signing.Claims{}, alex().signer); err == nil {
			t.Errorf("%q was signed", data)
		}
	}
	if body, err := signing.Envelope(nil, signing.NewClaims(now, time.Minute), alex().signer); err != nil || strings.Contains(string(decodePayload(t, decode(t, body))), "data") {
		t.Error("no data at all must be signed as none")
	}
	if body, err := signing.Envelope([]byte("{}"), signing.NewClaims(now, time.Minute)); err != nil || !bytes.Contains(body, []byte(`"signatures":[]`)) {
		t.Errorf("an envelope without signers: %s, %v", body, err)
	}
}

func TestPrivateKeysOfEveryFormSign(t *testing.T) {
	t.Parallel()
	rsaKey := privateKey(t, alex()).(*rsa.PrivateKey)
	ecKey := privateKey(t, jeff()).(*ecdsa.PrivateKey)
	sec1, err := x509.MarshalECPrivateKey(ecKey)
	if err != nil {
		t.Fatal(err)
	}
	block := func(kind string, der []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}) }
	for name, test := range map[string]struct {
		party     party
		algorithm string
		key       []byte
	}{
		"PKCS #8":                        {alex(), "RS256", alex().private},
		"PKCS #1":                        {alex(), "RS256", block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKey))},
		"SEC 1":                          {jeff(), "ES256", block("EC PRIVATE KEY", sec1)},
		"SEC 1 after parameters":         {jeff(), "ES256", append(block("EC PARAMETERS", []byte{1}), block("EC PRIVATE KEY", sec1)...)},
		"text before the key":            {jeff(), "ES256", append([]byte("bag attributes\n"), jeff().private...)},
		"RSA, algorithm left open":       {alex(), "", alex().private},
		"a curve, algorithm left open":   {jeff(), "", jeff().private},
		"Ed25519, algorithm left open":   {james(), "", james().private},
		"a secret":                       {secret(), "HS256", secret().private},
		"a secret with a line break":     {secret(), "HS256", append(slices.Clone(secret().private), '\n')},
		"a secret with a line break DOS": {secret(), "HS256", append(slices.Clone(secret().private), "\r\n"...)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			signer, err := signing.NewSigner(test.party.name, test.algorithm, test.key)
			if err != nil {
				t.Fatal(err)
			}
			if signer.ID != test.party.name || signer.Algorithm != test.party.algorithm {
				t.Errorf("%s signs with %s", signer.ID, signer.Algorithm)
			}
			body, err := signing.Envelope(nil, signing.NewClaims(now, time.Minute), signer)
			if err != nil {
				t.Fatal(err)
			}
			got := decode(t, body)
			if s := got.Signatures[0]; !test.party.verifies(t, s.Protected, got.Payload, s.Signature) {
				t.Error("the signature does not verify")
			}
		})
	}
}

func privateKey(t *testing.T, p party) any {
	t.Helper()
	block, _ := pem.Decode(p.private)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func decodePayload(t *testing.T, g general) []byte {
	t.Helper()
	payload, err := base64.RawURLEncoding.DecodeString(g.Payload)
	if err != nil {
		t.Fatal(err)
	}
	return payload
}

func TestEveryAlgorithmVerifiesItsOwnKeyAlone(t *testing.T) {
	t.Parallel()
	for _, algorithm := range signing.Algorithms() {
		t.Run(algorithm, func(t *testing.T) {
			t.Parallel()
			p, other := newParty("alex", algorithm)(), newParty("alex", algorithm)()
			token, err := signing.Token(signing.NewClaims(now, time.Minute), p.signer)
			if err != nil {
				t.Fatal(err)
			}
			parts := strings.Split(token, ".")
			if !p.verifies(t, parts[0], parts[1], parts[2]) {
				t.Error("the signature does not verify")
			}
			if other.verifies(t, parts[0], parts[1], parts[2]) {
				t.Error("another key of the algorithm verifies the signature")
			}
			if p.verifies(t, parts[0], parts[1]+"A", parts[2]) {
				t.Error("a changed payload verifies")
			}
			if hasPublicKey := p.signer.PublicKey() != nil; hasPublicKey == strings.HasPrefix(algorithm, "HS") {
				t.Errorf("it has a public key: %t", hasPublicKey)
			}
		})
	}
}

func TestKeysThatCannotSign(t *testing.T) {
	t.Parallel()
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	p224, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8 := func(key any) []byte {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	}
	for name, test := range map[string]struct {
		id, algorithm string
		key           []byte
		says          string
	}{
		"no name":                     {"", "RS256", alex().private, "name"},
		"an unknown algorithm":        {"a", "none", alex().private, `"none" is not one of RS256`},
		"RSA for ES256":               {"a", "ES256", alex().private, "P-256"},
		"P-256 for ES384":             {"a", "ES384", jeff().private, "P-384"},
		"RSA of 1024 bits":            {"a", "RS256", pkcs8(weak), "2048 bits"},
		"RSA of 1024 bits, left open": {"a", "", pkcs8(weak), "no algorithm can use"},
		"a curve for no algorithm":    {"a", "", pkcs8(p224), "no algorithm can use a key on the curve P-224"},
		"a public key":                {"a", "RS256", alex().publicPEM(t), "PEM PUBLIC KEY"},
		"no PEM":                      {"a", "RS256", []byte("x"), "not a PEM private key"},
		"nothing":                     {"a", "", nil, "not a PEM private key"},
		"an encrypted key":            {"a", "RS256", pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: []byte{1}}), "encrypted"},
		"an encrypted key, old style": {"a", "RS256", pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Headers: map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-128-CBC,00"}, Bytes: []byte{1}}), "encrypted"},
		"a broken key":                {"a", "RS256", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte{1}}), "cannot be read"},
		"parameters alone":            {"a", "ES256", pem.EncodeToMemory(&pem.Block{Type: "EC PARAMETERS", Bytes: []byte{1}}), "not a PEM private key"},
		"an empty secret":             {"a", "HS256", []byte("\n"), "empty"},
		"a private key as a secret":   {"a", "HS256", alex().private, "PEM key"},
	} {
		_, err := signing.NewSigner(test.id, test.algorithm, test.key)
		if err == nil {
			t.Errorf("%s: taken", name)
		}
		contains(t, err, test.says)
	}
	if _, _, err := signing.GenerateKey("none"); err == nil {
		t.Error("a key for none was made")
	}
}

func TestVerificationKeysAreCheckedWhenTheyAreRead(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ algorithm, value, says string }{
		"an unknown algorithm":       {"none", alex().value, `algorithm: the algorithm "none" is not one of RS256`},
		"the algorithm that fits":    {"none", jeff().value, "for which the algorithm is ES256"},
		"nothing":                    {"RS256", "", "value is missing"},
		"no base64":                  {"RS256", "!", "value is not url-safe base64"},
		"a private key":              {"RS256", b64(alex().private), "value is a private key"},
		"plain PEM":                  {"RS256", string(alex().publicPEM(t)), "value is plain PEM"},
		"a key of another algorithm": {"ES256", alex().value, "value does not fit: ES256 needs a key on the curve P-256"},
		"a public key as a secret":   {"HS256", alex().value, "value is a PEM key, for which the algorithm is RS256"},
		"a short secret":             {"HS256", "short", "value is a secret of 5 bytes"},
	} {
		key, err := signing.ParseVerificationKey(test.algorithm, test.value)
		if err == nil {
			t.Errorf("%s: read as a key for %s", name, key.Algorithm())
		}
		contains(t, err, test.says)
	}
}
