package auth_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"barong/clients/go/signing"
	"barong/internal/auth"
)

func TestWhatIsNoEnvelopeIsLeftToOthers(t *testing.T) {
	t.Parallel()
	flattened := `{"payload":"e30","protected":"e30","signature":"x"}`
	for name, body := range map[string]string{
		"nothing":                         "",
		"parameters":                      `{"uid":"ID1","key":"email"}`,
		"an empty object":                 `{}`,
		"an array":                        `[{"payload":"e30","signatures":[]}]`,
		"a string that looks like one":    `"{\"payload\":\"e30\",\"signatures\":[]}"`,
		"only payload":                    `{"payload":"e30"}`,
		"only signatures":                 `{"signatures":[]}`,
		"the flattened form":              flattened,
		"one inside a parameter":          `{"jwt":{"payload":"e30","signatures":[]}}`,
		"their names in other case":       `{"Payload":"e30","Signatures":[]}`,
		"their names as values":           `{"a":"payload","b":"signatures"}`,
		"broken before the second member": `{"payload":"e30","signatures`,
		"broken JSON":                     `{"signatures" "payload"`,
		"a form":                          `payload=e30&signatures=[]`,
		"a byte order mark":               "\ufeff" + `{"payload":"e30","signatures":[]}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, isEnvelope, err := new(auth.Keychain).ParseEnvelope(t.Context(), []byte(body), anything)
			if c != nil || isEnvelope || err != nil {
				t.Errorf("%v, %v, %v", c, isEnvelope, err)
			}
		})
	}
}

func TestEnvelopeThatCannotBeRead(t *testing.T) {
	t.Parallel()
	one := `[{"header":{"kid":"alex"},"protected":"e30","signature":"AA"}]`
	object := func(payload, signatures string) string {
		return fmt.Sprintf(`{"payload":%s,"signatures":%s}`, payload, signatures)
	}
	payload := func(text string) string { return object(`"`+b64(text)+`"`, one) }
	signature := func(text string) string { return object(`"e30"`, text) }
	nested := func(levels int) string { return strings.Repeat("[", levels) + strings.Repeat("]", levels) }
	for name, body := range map[string]string{
		"payload null":                     object(`null`, one),
		"payload an object":                object(`{}`, one),
		"payload not base64":               object(`"{}"`, one),
		"payload in the standard alphabet": object(`"`+strings.NewReplacer("-", "+", "_", "/").Replace(b64(`{"a":">>>???"}`))+`"`, one),
		"payload with a line break":        object(`"e3\n0"`, one),
		"payload with half a padding":      object(`"eyJhIjoxfQ="`, one),
		"payload with bits left over":      object(`"e31"`, one),
		"payload empty":                    object(`""`, one),
		"payload of an array":              payload(`[]`),
		"payload of a string":              payload(`"x"`),
		"payload of two objects":           payload(`{}{}`),
		"payload of half an object":        payload(`{"a":`),
		"payload of broken UTF-8":          payload("{\"a\":\"\xff\"}"),
		"data an array":                    payload(`{"data":[]}`),
		"data a string":                    payload(`{"data":"{}"}`),
		"data false":                       payload(`{"data":false}`),
		"data twice":                       payload(`{"data":{},"data":{}}`),
		"exp twice":                        payload(`{"exp":1,"exp":2}`),
		"exp twice, once escaped":          payload(`{"exp":1,"\u0065xp":2}`),
		"a member of data twice":           payload(`{"data":{"a":{"b":1,"b":2}}}`),
		"signatures null":                  signature(`null`),
		"signatures an object":             signature(`{}`),
		"signatures of strings":            signature(`["x"]`),
		"signatures of nulls":              signature(`[null]`),
		"signature missing":                signature(`[{"protected":"e30"}]`),
		"signature null":                   signature(`[{"protected":"e30","signature":null}]`),
		"signature a number":               signature(`[{"protected":"e30","signature":1}]`),
		"protected a number":               signature(`[{"protected":1,"signature":"AA"}]`),
		"protected an object":              signature(`[{"protected":{"alg":"RS256"},"signature":"AA"}]`),
		"protected not base64":             signature(`[{"protected":"!","signature":"AA"}]`),
		"protected not an object":          signature(`[{"protected":"W10","signature":"AA"}]`),
		"protected null in base64":         signature(`[{"protected":"` + b64("null") + `","signature":"AA"}]`),
		"protected with something after":   signature(`[{"protected":"` + b64("{} {}") + `","signature":"AA"}]`),
		"alg twice":                        signature(`[{"protected":"` + b64(`{"alg":"RS256","alg":"none"}`) + `","signature":"AA"}]`),
		"a foreign member twice, deep":     signature(`[{"protected":"` + b64(`{"x":[{"y":1,"y":1}]}`) + `","signature":"AA"}]`),
		"alg a number":                     signature(`[{"protected":"` + b64(`{"alg":1}`) + `","signature":"AA"}]`),
		"kid a number":                     signature(`[{"protected":"e30","header":{"kid":1},"signature":"AA"}]`),
		"kid twice":                        signature(`[{"protected":"e30","header":{"kid":"a","kid":"b"},"signature":"AA"}]`),
		"header a string":                  signature(`[{"protected":"e30","header":"x","signature":"AA"}]`),
		"signature twice":                  signature(`[{"protected":"e30","signature":"AA","signature":"AA"}]`),
		"17 signatures":                    signature(`[` + strings.Repeat(`{"signature":""},`, 16) + `{"signature":""}]`),
		"payload twice":                    `{"payload":"e30","payload":"e30","signatures":[]}`,
		"payload twice, once escaped":      `{"payload":"e30","p\u0061yload":"e30","signatures":[]}`,
		"signatures twice":                 `{"payload":"e30","signatures":[],"signatures":[]}`,
		"a foreign member twice":           `{"payload":"e30","signatures":[],"x":1,"x":2}`,
		"deep in a foreign member twice":   `{"payload":"e30","signatures":[],"x":{"y":1,"y":2}}`,
		"something after it":               `{"payload":"e30","signatures":[]} {}`,
		"a comma after it":                 `{"payload":"e30","signatures":[]},`,
		"cut off":                          `{"payload":"e30","signatures":[{`,
		"broken UTF-8":                     "{\"payload\":\"e30\",\"signatures\":[],\"x\":\"\xff\"}",
		"signatures 100,000 levels deep":   signature(nested(100_000)),
		"a foreign member that deep":       `{"payload":"e30","signatures":[],"x":` + nested(100_000) + `}`,
		"data that deep":                   payload(`{"data":{"x":` + nested(100_000) + `}}`),
		"a header that deep":               signature(`[{"protected":"` + b64(`{"x":`+nested(100_000)+`}`) + `","signature":"AA"}]`),
		"a name of a megabyte twice":       `{"payload":"e30","signatures":[],"` + strings.Repeat("n", 1<<20) + `":1,"` + strings.Repeat("n", 1<<20) + `":1}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, isEnvelope, err := new(auth.Keychain).ParseEnvelope(t.Context(), []byte(body), anything)
			if !isEnvelope || c != nil || outcome(t, err) != unreadable {
				t.Errorf("%v, %v, %v", c, isEnvelope, err)
			}
		})
	}
}

func TestEnvelopeThatIsFineThoughUnusual(t *testing.T) {
	t.Parallel()
	good := b64(goodPayload)
	plain := envelope(t, good, honest(t, alex(), good))
	var sixteen []sig
	for range 16 {
		sixteen = append(sixteen, honest(t, alex(), good))
	}
	without := b64(strings.Replace(goodPayload, `"data":{"a":1},`, "", 1))
	null := b64(strings.Replace(goodPayload, `{"a":1}`, "null", 1))
	foreign := b64(strings.Replace(goodPayload, `"data"`, `"foreign":[1,{"x":null}],"Exp":"x","data"`, 1))
	const data = `{"a":1}`
	for name, test := range map[string]struct{ body, data string }{
		"as it comes":              {string(plain), data},
		"sixteen signatures":       {string(envelope(t, good, sixteen...)), data},
		"no data":                  {string(envelope(t, without, honest(t, alex(), without))), ""},
		"data null":                {string(envelope(t, null, honest(t, alex(), null))), ""},
		"foreign claims":           {string(envelope(t, foreign, honest(t, alex(), foreign))), data},
		"foreign members":          {strings.Replace(string(plain), `{"payload"`, `{"foreign":{"x":[]},"payload"`, 1), data},
		"a signature member too":   {strings.Replace(string(plain), `{"payload"`, `{"signature":"x","payload"`, 1), data},
		"white space":              {"\r\n\t " + strings.ReplaceAll(string(plain), `":`, "\" :\n\t") + "\n", data},
		"names escaped":            {strings.NewReplacer(`"payload"`, `"p\u0061yload"`, `"signatures"`, `"\u0073ignatures"`).Replace(string(plain)), data},
		"a letter of it escaped":   {strings.Replace(string(plain), `"payload":"e`, `"payload":"\u0065`, 1), data},
		"signatures before":        {swapped(t, plain), data},
		"the header's kid escaped": {strings.Replace(string(plain), `"kid":"alex"`, `"kid":"\u0061lex"`, 1), data},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := []byte(test.body)
			before := bytes.Clone(body)
			if got, _, err := authorize(t, keychain(t, ""), body); got != allowed {
				t.Errorf("%s: %v", got, err)
			}
			if got := mustParse(t, body).Data(); string(got) != test.data || (test.data == "") != (got == nil) {
				t.Errorf("data is %q", got)
			}
			if !bytes.Equal(body, before) {
				t.Error("the body was changed")
			}
		})
	}
}

func TestADocumentInAnEnvelopeIsNotCopiedNeedlessly(t *testing.T) {
	body := large(t, alex())
	k := keychainOf(t, alex())
	allocated := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := k.Authorize(mustParse(b, body), writeLabels, now); err != nil {
				b.Fatal(err)
			}
		}
	}).AllocedBytesPerOp()
	// The limit allows for the decoded payload, the signed text, and the library's copy of it.
	if limit := int64(len(body)) * 3; allocated > limit {
		t.Errorf("%d bytes for a body of %d", allocated, len(body))
	}
}

// large returns an envelope that contains a document of 10 MiB.
func large(t testing.TB, p party) []byte {
	t.Helper()
	data := fmt.Appendf(nil, `{"upload":%q}`, strings.Repeat("AAAA", 10<<20/3))
	body, err := signing.Envelope(data, signing.Claims{ExpiresAt: now.Add(60e9)}, p.signer)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// swapped returns an envelope with its members in the other order.
func swapped(t testing.TB, body []byte) string {
	t.Helper()
	var members struct {
		Payload    json.RawMessage `json:"payload"`
		Signatures json.RawMessage `json:"signatures"`
	}
	if err := json.Unmarshal(body, &members); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf(`{"signatures":%s,"payload":%s}`, members.Signatures, members.Payload)
}
