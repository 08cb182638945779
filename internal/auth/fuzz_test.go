package auth_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"barong/clients/go/signing"
	"barong/internal/auth"
)

// The fuzz tests use two keychains. The signers of the first never signed anything, so nothing
// may pass. The signer of the second signed the one payload of the corpus, so nothing with
// other data may pass.

// silent returns a keychain with signers of every key type who never signed.
func silent(t testing.TB) *auth.Keychain {
	t.Helper()
	var entries, names strings.Builder
	for _, algorithm := range []string{"RS256", "PS256", "ES256", "EdDSA", "HS256"} {
		_, value, err := signing.GenerateKey(algorithm)
		if err != nil {
			t.Fatal(err)
		}
		name := "silent-" + strings.ToLower(algorithm)
		entries.WriteString(auth.KeychainEntry(name, algorithm, value) + "\n")
		names.WriteString(name + ", ")
	}
	_, value, err := signing.GenerateKey("ES256")
	if err != nil {
		t.Fatal(err)
	}
	entries.WriteString(auth.KeychainEntry("alex", "ES256", value) + "\n")
	return parse(t, "keychain:\n"+entries.String()+"jwt: {verify_expiration: false, verify_not_before: false, verify_iat: false}\n"+
		"scopes:\n  write_labels: {permitted_signers: ["+names.String()+"alex], mandatory_signers: [alex]}\n")
}

// chatty returns a keychain whose signer alex has signed goodPayload.
func chatty(t testing.TB) *auth.Keychain {
	t.Helper()
	return parse(t, strings.ReplaceAll(keychainFile(alex()), "scopes:", "jwt: {verify_expiration: false, verify_not_before: false, verify_iat: false}\nscopes:"))
}

func FuzzParseEnvelope(f *testing.F) {
	payload := b64(goodPayload)
	good := envelope(f, payload, honest(f, alex(), payload), honest(f, jeff(), payload))
	f.Add(good)
	f.Add([]byte(padded(string(good))))
	f.Add(envelope(f, padded(payload), honest(f, alex(), payload)))
	f.Add(envelope(f, payload, signed(f, alex(), `{"alg":"RS256","kid":"alex","crit":["x"]}`, payload)))
	f.Add(envelope(f, payload, sig{Protected: b64(`{"alg":"none"}`), Header: kid("alex"), Signature: ""}))
	f.Add([]byte(`{"payload":"e30","signatures":[]}`))
	f.Add([]byte(`{"p\u0061yload":"e30","signatures":[{}],"x":{"a":1,"a":2}}`))
	f.Add([]byte(`{"payload":null,"signatures":null}`))
	f.Add([]byte(`{"uid":"ID1"}`))
	f.Add([]byte(`{"payload":"` + b64(`{"data":{"x":[[[[1e999]]]]},"exp":1e300}`) + `","signatures":[{"header":{"kid":"alex"},"signature":"AA"}]} `))
	silent, chatty := silent(f), chatty(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		before := bytes.Clone(body)
		c, isEnvelope, err := new(auth.Keychain).ParseEnvelope(t.Context(), body, anything)
		if !bytes.Equal(body, before) {
			t.Error("the body was changed")
		}
		if !isEnvelope && (c != nil || err != nil) || isEnvelope && (c == nil) == (err == nil) {
			t.Fatalf("%v, %v, %v", c, isEnvelope, err)
		}
		if err != nil && outcome(t, err) != unreadable {
			t.Error(err)
		}
		if sound := json.Valid(body); sound && !isEnvelope && hasBoth(body) {
			t.Error("an object with payload and signatures is not taken for an envelope")
		} else if !sound && c != nil {
			t.Error("what is no JSON was read")
		}
		if c == nil {
			return
		}
		if data := c.Data(); data != nil && (!json.Valid(data) || data[0] != '{') {
			t.Errorf("data is no object: %s", data)
		}
		judge(t, c, silent, chatty)
	})
}

func FuzzParseBearer(f *testing.F) {
	payload := b64(goodPayload)
	good := compact(f, alex(), `{"alg":"RS256","kid":"alex"}`, payload)
	f.Add("Bearer " + good)
	f.Add("bearer  " + good + " ")
	f.Add("Bearer " + compact(f, jeff(), `{"alg":"ES256","kid":"alex"}`, payload))
	f.Add("Bearer " + b64(`{"alg":"none","kid":"alex"}`) + "." + payload + ".")
	f.Add("Bearer " + b64(`{"kid":"alex","kid":"jeff","crit":[]}`) + "." + b64(`{"exp":1e999}`) + ".AA")
	f.Add("Bearer a.b.c.d.e")
	f.Add("Basic eDp5")
	f.Add("")
	silent, chatty := silent(f), chatty(f)
	f.Fuzz(func(t *testing.T, authorization string) {
		c, err := chatty.ParseBearer(authorization)
		if (c == nil) == (err == nil) {
			t.Fatalf("%v, %v", c, err)
		}
		if err != nil {
			if outcome(t, err) != unverified {
				t.Error(err)
			}
			return
		}
		if c.Data() != nil {
			t.Errorf("a token has no parameters: %s", c.Data())
		}
		if _, err := chatty.Authorize(c, writeLabels, now); err == nil && !strings.Contains(authorization, "."+payload+".") {
			t.Errorf("alex never signed this: %s", authorization)
		}
		if _, err := silent.Authorize(c, writeLabels, now); outcome(t, err) == allowed {
			t.Errorf("nobody signed this: %s", authorization)
		}
	})
}

// judge fails the test if either keychain authorises what it must not.
func judge(t *testing.T, c *auth.Credentials, silent, chatty *auth.Keychain) {
	t.Helper()
	if signers, err := silent.Authorize(c, writeLabels, now); outcome(t, err) == allowed {
		t.Errorf("%v never signed anything", signers)
	}
	signers, err := chatty.Authorize(c, writeLabels, now)
	if outcome(t, err) == allowed && string(c.Data()) != `{"a":1}` {
		t.Errorf("%v never signed %s", signers, c.Data())
	}
}

// hasBoth reports whether the body is an object with both members.
func hasBoth(body []byte) bool {
	var members map[string]json.RawMessage
	if json.Unmarshal(body, &members) != nil {
		return false
	}
	_, payload := members["payload"]
	_, signatures := members["signatures"]
	return payload && signatures
}
