package jws_test

import (
	"bytes"
	"encoding/base64"
	"strings"
	"sync"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"barong/clients/go/signing"
	"barong/internal/jws"
)

// countersigner returns the server's signer and its published key.
var countersigner = sync.OnceValues(func() (*signing.Signer, jose.JSONWebKey) {
	private, _, err := signing.GenerateKey("RS256")
	if err != nil {
		panic(err)
	}
	s, err := signing.NewSigner("barong", "RS256", private)
	if err != nil {
		panic(err)
	}
	text, err := jws.PublicKeys(s)
	if err != nil {
		panic(err)
	}
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(text, &set); err != nil || len(set.Keys) != 1 {
		panic(string(text))
	}
	return s, set.Keys[0]
})

// general is the signed JWS with its signatures as raw JSON.
type general struct {
	Payload    string           `json:"payload"`
	Signatures []jsontext.Value `json:"signatures"`
}

// goodBy fails the test unless the last signature verifies with the published key.
func goodBy(t *testing.T, key jose.JSONWebKey, signed []byte) general {
	t.Helper()
	var g general
	if err := json.Unmarshal(signed, &g); err != nil {
		t.Fatalf("%v: %s", err, signed)
	}
	var last struct {
		Protected string `json:"protected"`
		Signature string `json:"signature"`
	}
	if err := json.Unmarshal(g.Signatures[len(g.Signatures)-1], &last); err != nil {
		t.Fatal(err)
	}
	parsed, err := jose.ParseSignedCompact(last.Protected+"."+strings.TrimRight(g.Payload, "=")+"."+last.Signature, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		t.Fatalf("%v: %s", err, signed)
	}
	if _, err := parsed.Verify(key); err != nil && !strings.HasSuffix(g.Payload, "=") { // the library strips padding, which is part of the signed text
		t.Fatalf("%v: %s", err, signed)
	}
	return g
}

func TestCountersigningKeepsEveryByteOfOthers(t *testing.T) {
	t.Parallel()
	s, key := countersigner()
	payload := b64(`{"data":{},"exp":1}`)
	first := `{"protected":"` + b64(`{"alg":"ES256","kid":"applogic"}`) + `",  "signature":"c2lnbmF0dXJl", "extra":[1.0,"\u00e9<&>"]}`
	second := "{\n\"header\":{\"kid\":\"\\u0062ackend\"},\"signature\":\"\",\"protected\":\"" + b64(`{}`) + "\"}"
	ours := `{"protected":"` + b64(`{"alg":"RS256"}`) + `","header":{"kid":"b\u0061rong"},"signature":"AAAA"}`
	for name, text := range map[string]string{
		"signed by two":          `{"payload":"` + payload + `","signatures":[` + first + `,` + second + `]}`,
		"members in other order": "{ \"signatures\" : [\n" + first + " , " + second + "] ,\t\"payload\":\"" + payload + "\"}\n",
		"signed by us before":    `{"payload":"` + payload + `","signatures":[` + ours + `,` + first + `,` + ours + `,` + second + `]}`,
		"names escaped":          `{"p\u0061yload":"` + payload + `","sign\u0061tures":[` + first + `,` + second + `]}`,
	} {
		message, err := jws.ParseCountersignable([]byte(text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		signed, err := message.Sign(s)
		if err != nil {
			t.Fatal(err)
		}
		g := goodBy(t, key, signed)
		if len(g.Signatures) != 3 || string(g.Signatures[0]) != first || string(g.Signatures[1]) != second || g.Payload != payload {
			t.Errorf("%s: %s", name, signed)
		}
	}
}

func TestAnErrorOfAJWSRepeatsNothingOfIt(t *testing.T) {
	t.Parallel()
	entry := `{"protected":"` + b64(`{}`) + `","signature":""}`
	for name, text := range map[string]string{
		"a member twice":                      `{"secret":1,"secret":2}`,
		"a member twice, deep in":             `{"a":{"secret":1,"secret":2}}`,
		"a member twice in the payload":       `{"payload":"` + b64(`{"secret":1,"secret":2}`) + `","signatures":[` + entry + `]}`,
		"a member twice below the payload":    `{"payload":"` + b64(`{"secret":{"secret":[{"x":1,"x":2}]}}`) + `","signatures":[` + entry + `]}`,
		"a member twice in a header":          `{"payload":"e30","signatures":[{"protected":"` + b64(`{"secret":1,"secret":1}`) + `","signature":""}]}`,
		"a member twice in a header outside":  `{"payload":"e30","signatures":[{"protected":"e30","header":{"secret":1,"secret":1},"signature":""}]}`,
		"a member twice in an element":        `{"payload":"e30","signatures":[{"protected":"e30","secret":1,"secret":2,"signature":""}]}`,
		"a value that breaks off":             `{"secret":{"secret":tru`,
		"a payload that is no JSON":           `{"payload":"` + b64(`{"secret":secret}`) + `","signatures":[` + entry + `]}`,
		"a protected header that is a number": `{"payload":"e30","signatures":[{"protected":5,"signature":"","secret":1}]}`,
		"a signature that is an object":       `{"payload":"e30","signatures":[{"protected":"e30","signature":{"secret":1}}]}`,
	} {
		if _, err := jws.ParseCountersignable([]byte(text)); err == nil || len(err.Error()) > 100 || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSecretsAreNotPublished(t *testing.T) {
	t.Parallel()
	s, err := signing.NewSigner("shared", "HS256", []byte("a secret of thirty-two characters"))
	if err != nil {
		t.Fatal(err)
	}
	if text, err := jws.PublicKeys(s); err == nil {
		t.Errorf("%s", text)
	}
	for _, algorithm := range []string{"RS256", "ES384", "EdDSA"} {
		private, _, err := signing.GenerateKey(algorithm)
		if err != nil {
			t.Fatal(err)
		}
		s, err := signing.NewSigner("x", algorithm, private)
		if err != nil {
			t.Fatal(err)
		}
		text, err := jws.PublicKeys(s)
		if err != nil || bytes.Contains(text, []byte(`"d"`)) || !bytes.Contains(text, []byte(`"alg":"`+algorithm+`"`)) {
			t.Errorf("%s: %s %v", algorithm, text, err)
		}
	}
}

func FuzzCountersign(f *testing.F) {
	payload := b64(`{"data":{}}`)
	entry := `{"protected":"` + b64(`{"alg":"ES256"}`) + `","header":{"kid":"applogic"},"signature":"AA"}`
	f.Add([]byte(`{"payload":"` + payload + `","signatures":[` + entry + `]}`))
	f.Add([]byte(`{"x":1e999,"payload":"` + base64.URLEncoding.EncodeToString([]byte(`{"a":1}`)) + `","signatures":[ ` + entry + "\n,\t" + strings.Replace(entry, "applogic", "barong", 1) + ` ],"\u0061":{"b":[ ]}}`))
	f.Add([]byte(`{"payload":"e30","signatures":[{"protected":"e30","signature":""}]}`))
	f.Add([]byte(`{"payload":"e30","signatures":[{}]}`))
	f.Add([]byte(`{"payload":5,"signatures":null}`))
	f.Add([]byte(`[]`))
	s, key := countersigner()
	f.Fuzz(func(t *testing.T, text []byte) {
		before := bytes.Clone(text)
		message, err := jws.ParseCountersignable(text)
		if !bytes.Equal(text, before) {
			t.Fatal("the text was changed")
		}
		if err != nil {
			return
		}
		signed, err := message.Sign(s)
		if err != nil {
			t.Fatal(err)
		}
		var was general
		if err := json.Unmarshal(text, &was); err != nil {
			t.Fatalf("what is no JSON was signed: %v", err)
		}
		is := goodBy(t, key, signed)
		if is.Payload != was.Payload {
			t.Fatalf("the payload became %q", is.Payload)
		}
		// Existing signatures stay unchanged and in order, except those by barong.
		kept := is.Signatures[:len(is.Signatures)-1]
		for _, each := range was.Signatures {
			if len(kept) > 0 && bytes.Equal(each, kept[0]) {
				kept = kept[1:]
			} else if message, err := jws.ParseCountersignable([]byte(`{"payload":"e30","signatures":[` + string(each) + `]}`)); err != nil {
				t.Fatal(err)
			} else if again, err := message.Sign(s); err != nil || bytes.Contains(again, each) {
				t.Fatalf("the entry of another is gone: %s\n%s", each, signed)
			}
		}
		if len(kept) != 0 {
			t.Fatalf("entries that were not there: %s", kept)
		}
		// Signing twice leaves one signature.
		message, err = jws.ParseCountersignable(signed)
		if err != nil {
			t.Fatalf("what was signed is no JWS: %v\n%s", err, signed)
		}
		again, err := message.Sign(s)
		if err != nil || !bytes.Equal(again, signed) {
			t.Fatalf("%v\n%s\n%s", err, signed, again)
		}
	})
}
