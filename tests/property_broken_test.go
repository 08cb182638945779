package tests

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"barong/clients/go/signing"
)

// breakage is one way to break a request that was right, beside its parameters.
type breakage struct {
	name   string
	forms  []form // in which there is such a thing
	status []int  // that such a request gets, one of them
	apply  func(t *rapid.T, r *composed)
}

// GoString is what a report of rapid calls it.
func (b breakage) GoString() string { return b.name }

var (
	inAny   = forms
	inJSON  = []form{envelopeForm, jsonForm} // the body is JSON
	inToken = []form{jsonForm, formForm}     // a token speaks for the caller
)

var breakages = []breakage{
	{"path", inAny, []int{http.StatusNotFound}, func(t *rapid.T, r *composed) {
		r.url += rapid.SampledFrom([]string{"/", "/x", "x", "%2f", "/../nothing", "%00", "/%F0%9F"}).Draw(t, "path")
	}},
	{"verb", inAny, []int{http.StatusMethodNotAllowed}, func(t *rapid.T, r *composed) {
		r.method = rapid.SampledFrom([]string{"GET", "HEAD", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW", "post"}).Draw(t, "verb")
	}},
	{"query string", inAny, []int{http.StatusBadRequest}, func(t *rapid.T, r *composed) {
		r.url += "?" + rapid.SampledFrom([]string{"page=1", "x", "&", "%", "a=1;b=2", "=", "%00=%ff"}).Draw(t, "query")
	}},
	{"media type", inAny, []int{http.StatusUnsupportedMediaType}, func(t *rapid.T, r *composed) {
		r.header.Set("Content-Type", rapid.SampledFrom([]string{"text/plain", "multipart/form-data; boundary=x", "application/json-patch+json", "json", "", ";", "application/json, text/plain", "*/*"}).Draw(t, "type"))
		if r.header.Get("Content-Type") == "" {
			r.chunked = true // a request without type and length counts as one without a body
		}
	}},
	{"the other media type", []form{formForm}, []int{http.StatusBadRequest}, func(t *rapid.T, r *composed) {
		r.header.Set("Content-Type", "application/json")
		r.body = append([]byte("a=b&"), r.body...) // an empty body is right in both
	}},
	{"body cut off", inJSON, []int{http.StatusBadRequest}, func(t *rapid.T, r *composed) {
		r.body = r.body[:rapid.IntRange(1, len(r.body)-1).Draw(t, "length")]
	}},
	{"more behind the body", inJSON, []int{http.StatusBadRequest}, func(t *rapid.T, r *composed) {
		r.body = append(r.body, rapid.SampledFrom([]string{"{}", ",", "}", "null", "\x00", "x"}).Draw(t, "more")...)
	}},
	{"no object", inJSON, []int{http.StatusBadRequest}, func(t *rapid.T, r *composed) {
		r.body = []byte(rapid.SampledFrom([]string{"[]", "null", "5", `"text"`, "[{}]", "{", "1e400", `{"a":1e}`, `{"a":tru}`, "{'a':1}", `{"a":"\ud800"}`, `{"a":"\x"}`, "\ufeff{}", `{"a":01}`, `{a:1}`, "{,}", `{"a":1,}`}).Draw(t, "body"))
	}},
	{"too deep", inJSON, []int{http.StatusBadRequest}, func(_ *rapid.T, r *composed) {
		deep := strings.Repeat(`[`, 20_000) + strings.Repeat(`]`, 20_000)
		r.body = append([]byte(`{"deep":`+deep+`,`), r.body[1:]...)
	}},
	{"member twice", inJSON, []int{http.StatusBadRequest}, func(t *rapid.T, r *composed) {
		var members map[string]json.RawMessage
		if err := json.Unmarshal(r.body, &members); err != nil {
			t.Fatal(err)
		}
		twice := []byte(`{"x":1,"\u0078":2`)
		for name, value := range members {
			twice = append(append(twice, `,"`+name+`":`...), value...)
		}
		r.body = append(twice, '}')
	}},
	{"text that is no UTF-8", inJSON, []int{http.StatusBadRequest}, func(t *rapid.T, r *composed) {
		broken := rapid.SampledFrom([]string{"\xff", "\xc0\x80", "\xed\xa0\x80", "\xf5\x80\x80\x80", "\x80"}).Draw(t, "bytes")
		r.body = append([]byte(`{"name`+broken+`":1,`), r.body[1:]...)
	}},
	{"parameter twice", []form{formForm}, []int{http.StatusBadRequest}, func(_ *rapid.T, r *composed) {
		r.body = append([]byte("x=1&x=1&"), r.body...)
	}},
	{"escape of a form", []form{formForm}, []int{http.StatusBadRequest}, func(t *rapid.T, r *composed) {
		r.body = append([]byte(rapid.SampledFrom([]string{"%&", "%f=1&", "%ff=1&", "%zz=1&", "a=%f&", "a=%ff&", "a;b&"}).Draw(t, "escape")), r.body...)
	}},
	{"compressed", inJSON, []int{http.StatusBadRequest}, func(t *rapid.T, r *composed) {
		var compressed bytes.Buffer
		writer := gzip.NewWriter(&compressed)
		if _, err := writer.Write(r.body); err != nil || writer.Close() != nil {
			t.Fatal(err)
		}
		r.body = compressed.Bytes()
		r.header.Set("Content-Encoding", "gzip")
	}},
	{"no token", inToken, []int{http.StatusUnauthorized}, func(_ *rapid.T, r *composed) { r.header.Del("Authorization") }},
	{"token", inToken, []int{http.StatusUnauthorized}, func(t *rapid.T, r *composed) {
		token := strings.TrimPrefix(r.header.Get("Authorization"), "Bearer ")
		parts := strings.Split(token, ".")
		none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","kid":"backend"}`))
		foreign := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256","kid":"backend"}`))
		r.header.Set("Authorization", rapid.SampledFrom([]string{
			"Bearer", "Bearer ", "Basic " + token, token, "Bearer " + token + ".", "Bearer " + token + "=", "Bearer ..", "Bearer " + parts[0] + "." + parts[1], "Bearer " + parts[0] + "." + parts[1] + ".",
			"Bearer " + none + "." + parts[1] + ".", "Bearer " + none + "." + parts[1] + "." + parts[2], "Bearer " + foreign + "." + parts[1] + "." + parts[2], "Bearer " + parts[1] + "." + parts[0] + "." + parts[2],
			"Bearer " + strings.Repeat("a", 10_000), "Bearer " + token + ", Bearer " + token,
		}).Draw(t, "authorization"))
	}},
	{"byte of a token", inToken, []int{http.StatusUnauthorized}, func(t *rapid.T, r *composed) {
		r.header.Set("Authorization", "Bearer "+changeLetter(t, strings.TrimPrefix(r.header.Get("Authorization"), "Bearer ")))
	}},
	{"envelope without a member", []form{envelopeForm}, []int{http.StatusUnauthorized, http.StatusBadRequest}, func(t *rapid.T, r *composed) {
		r.edit(t, func(envelope, signature map[string]any) {
			switch name := rapid.SampledFrom([]string{"payload", "signatures", "protected", "header", "signature", "kid"}).Draw(t, "member"); name {
			case "payload", "signatures":
				delete(envelope, name)
			case "kid":
				delete(signature["header"].(map[string]any), name)
			default:
				delete(signature, name)
			}
		})
	}},
	{"envelope with another member", []form{envelopeForm}, []int{http.StatusUnauthorized, http.StatusBadRequest}, func(t *rapid.T, r *composed) {
		r.edit(t, func(envelope, signature map[string]any) {
			value := rapid.SampledFrom(hostile).Draw(t, "value")
			switch name := rapid.SampledFrom([]string{"payload", "signatures", "protected", "header", "signature", "kid"}).Draw(t, "member"); name {
			case "payload", "signatures":
				envelope[name] = value
			case "kid":
				signature["header"].(map[string]any)[name] = value
			default:
				signature[name] = value
			}
		})
	}},
	{"byte of an envelope", []form{envelopeForm}, []int{http.StatusUnauthorized, http.StatusBadRequest}, func(t *rapid.T, r *composed) {
		r.edit(t, func(envelope, signature map[string]any) {
			switch name := rapid.SampledFrom([]string{"payload", "protected", "signature"}).Draw(t, "member"); name {
			case "payload":
				envelope[name] = changeLetter(t, envelope[name].(string))
			default:
				signature[name] = changeLetter(t, signature[name].(string))
			}
		})
	}},
}

// edit changes an envelope, and the one signature that it has.
func (r *composed) edit(t *rapid.T, change func(envelope, signature map[string]any)) {
	envelope := map[string]any{}
	if err := json.Unmarshal(r.body, &envelope); err != nil {
		t.Fatal(err)
	}
	change(envelope, envelope["signatures"].([]any)[0].(map[string]any))
	text, err := json.Marshal(envelope)
	if err != nil {
		t.Fatal(err)
	}
	r.body = text
}

// changeLetter puts another letter of base64url in the place of one.
func changeLetter(t *rapid.T, text string) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	at := rapid.IntRange(0, len(text)-1).Draw(t, "place")
	other := rapid.SampledFrom([]byte(letters)).Filter(func(letter byte) bool { return letter != text[at] }).Draw(t, "letter")
	return text[:at] + string(other) + text[at+1:]
}

// strangers are callers who may not call, by what their claims and signer are.
var strangers = map[string]claimedBy{
	"expired": func(now time.Time) (signing.Claims, *signing.Signer) {
		return signing.NewClaims(now.Add(-time.Hour), time.Minute), backend().signer
	},
	"good for ever": func(now time.Time) (signing.Claims, *signing.Signer) {
		return signing.Claims{IssuedAt: now}, backend().signer
	},
	"of the future": func(now time.Time) (signing.Claims, *signing.Signer) {
		return signing.Claims{IssuedAt: now, NotBefore: now.Add(time.Hour), ExpiresAt: now.Add(2 * time.Hour)}, backend().signer
	},
	"permitted nowhere": func(now time.Time) (signing.Claims, *signing.Signer) {
		return signing.NewClaims(now, time.Minute), stranger().signer
	},
	"with a key that is not its own": func(now time.Time) (signing.Claims, *signing.Signer) {
		return signing.NewClaims(now, time.Minute), impostor().signer
	},
	"not mandatory": func(now time.Time) (signing.Claims, *signing.Signer) {
		return signing.NewClaims(now, time.Minute), audit().signer
	},
}

// broken makes a request that is right but for one thing outside of its
// parameters, and must be refused for that.
func (s *subject) broken(t *rapid.T) {
	op := rapid.SampledFrom(operations).Draw(t, "operation")
	given := s.wanted(t, op)
	if rapid.IntRange(0, 5).Draw(t, "is it the caller") == 0 {
		s.unauthorised(t, op, given)
		return
	}
	b := rapid.SampledFrom(breakages).Draw(t, "broken")
	r := s.alone.compose(t, rapid.SampledFrom(b.forms).Draw(t, "form"), op, given)
	b.apply(t, &r)
	if rapid.Bool().Draw(t, "problem details") {
		r.header.Set("Accept", "application/problem+json")
	}
	if got := s.exchange(t, r); !slices.Contains(b.status, got.status) {
		t.Fatalf("%s: %s has to be refused with %v, and answered %s", b.name, r, b.status, got)
	}
}

// unauthorised makes a request in the name of somebody who may not.
func (s *subject) unauthorised(t *rapid.T, op operation, given parameters) {
	who := rapid.SampledFrom(slices.Sorted(maps.Keys(strangers))).Draw(t, "caller")
	r := s.alone.composeBy(t, rapid.SampledFrom(forms).Draw(t, "form"), op, given, strangers[who])
	if got := s.exchange(t, r); got.status != http.StatusUnauthorized {
		t.Fatalf("a caller %s: %s has to be refused with 401, and answered %s", who, r, got)
	}
}
