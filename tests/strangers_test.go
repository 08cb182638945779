package tests

import (
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"barong/clients/go/signing"
)

// Names of members may be passwords that somebody put in the wrong place, and may be
// as long as a body.
func TestNeitherAnswersNorTheLogRepeatWhatDoesNotParse(t *testing.T) {
	t.Parallel()
	a := start(t)
	const secret = "Tecohvi0Fai5aesoLEcx"
	token := bearer(t, signing.NewClaims(a.clock.Now(), time.Minute))
	envelope := func(payload string) string {
		return `{"payload":"` + base64.RawURLEncoding.EncodeToString([]byte(payload)) + `","signatures":[{"signature":"AA","header":{"kid":"backend"}}]}`
	}
	long := strings.Repeat(secret, 1<<20/len(secret))
	for _, name := range []string{secret, long} {
		for contentType, bodies := range map[string][]string{
			"application/x-www-form-urlencoded": {
				"password=" + name + "%ff", name + "%ff=1", name + "=1&" + name + "=2", name + "=%zz", name + "=1;2", "password=%" + name,
			},
			"application/json": {
				`{"` + name + `":1,"` + name + `":2}`, `{"` + name + `":{"a":1,"a":2}}`, `{"` + name + `":"\xff"}`, `{"` + name + `" 5}`, `{"password":"` + name,
				envelope(`{"data":{"` + name + `":{"a":1,"a":2}}}`), envelope(`{"data":{"` + name + `":"\xff"}}`), envelope(`{"` + name + `":1,"` + name + `":1}`),
				envelope(`{"data":{"` + name + `" 5}}`), `{"payload":"` + name + `","signatures":[]}`, `{"payload":"e30","signatures":[],"` + name + `":{"a":1,"a":2}}`,
			},
		} {
			for _, body := range bodies {
				got := a.send("createUser", contentType, []byte(body), token)
				if got.status != http.StatusBadRequest {
					t.Errorf("%.60s: %s", body, got)
				}
				if strings.Contains(string(got.body), secret) || len(got.body) > 300 {
					t.Errorf("%.60s is repeated: %.300s", body, got.body)
				}
			}
		}
	}
	for line := range strings.Lines(a.log.String()) {
		if strings.Contains(line, secret) || len(line) > 2000 {
			t.Errorf("the log has %.500s", line)
		}
	}
}

func TestStrictCallersHearOfParametersThatNobodyKnows(t *testing.T) {
	t.Parallel()
	inEachForm(t, func(t *testing.T, a *api, f form) {
		uid := a.user(nil)
		given := parameters{"user_uid": uid, "key": "email", "value": "verified", "replce": false}
		strict := func(preference string) answer {
			body, contentType := inForm(t, f, given, signing.NewClaims(a.clock.Now(), time.Minute))
			return a.raw(http.MethodPut, a.url+"/labels", contentType, string(body), func(r *http.Request) {
				r.Header.Set("Authorization", bearer(t, signing.NewClaims(a.clock.Now(), time.Minute)))
				r.Header.Set("Prefer", preference)
			})
		}
		for _, preference := range []string{"handling=strict", `respond-async, Handling = "strict"; x=1`} {
			strict(preference).refused(t, http.StatusUnprocessableEntity, "replce is unknown")
		}
		if labels := a.must("listLabels", parameters{"user_uid": uid}).list(t); len(labels) != 0 {
			t.Errorf("the label was made: %v", labels)
		}
		if got := strict("handling=lenient"); got.status != http.StatusOK {
			t.Error(got)
		}
		delete(given, "replce")
		delete(given, "value")
		long := strings.Repeat("ü", 100)
		given[long] = 1
		strict("handling=strict").refused(t, http.StatusUnprocessableEntity,
			"value is missing, value is empty, "+strings.Repeat("ü", 64)+"… is unknown")
	})
}

func TestBodiesWithMembersWithoutEndAreRefused(t *testing.T) {
	t.Parallel()
	a := start(t)
	var many, nested strings.Builder
	for i := range 1001 {
		many.WriteString(`,"a` + strings.Repeat("b", i) + `":1`)
	}
	for range 10_001 {
		nested.WriteString(",1")
	}
	token := bearer(t, signing.NewClaims(a.clock.Now(), time.Minute))
	for _, body := range []string{"{" + many.String()[1:] + "}", `{"unknown":[` + nested.String()[1:] + "]}"} {
		a.send("getTimestamp", "application/json", []byte(body), token).
			refused(t, http.StatusBadRequest, "Request body has more than 1000 members, or more than 10000 values in all.")
		for _, claims := range []string{`{"data":` + body + `}`, body} {
			a.send("getTimestamp", "application/json", []byte(`{"payload":"`+base64.RawURLEncoding.EncodeToString([]byte(claims))+`","signatures":[{"signature":"AA","header":{"kid":"backend"}}]}`), "").
				refused(t, http.StatusBadRequest, "Couldn't parse JWT.")
		}
	}
	if got := a.send("getTimestamp", "application/x-www-form-urlencoded", []byte("a=1&b=2&"), token); got.status != http.StatusCreated {
		t.Errorf("a few that nobody knows: %s", got)
	}
	var form strings.Builder
	for i := range 1001 {
		form.WriteString("&a" + strings.Repeat("b", i) + "=1")
	}
	a.send("getTimestamp", "application/x-www-form-urlencoded", []byte(form.String()), token).
		refused(t, http.StatusBadRequest, "Request body has more than 1000 parameters.")
}

// The token is looked at first: whoever has none does not get a form read.
func TestFormsWithoutAGoodTokenAreRefusedUnread(t *testing.T) {
	t.Parallel()
	a := start(t)
	forged, err := signing.Token(signing.NewClaims(a.clock.Now(), time.Minute), impostor().signer)
	if err != nil {
		t.Fatal(err)
	}
	for _, authorization := range []string{"", "Bearer " + forged} {
		body, writer := io.Pipe()
		defer writer.Close()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.url+"/users", body)
		if err != nil {
			t.Fatal(err)
		}
		request.ContentLength = 1 << 20
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.Header.Set("Authorization", authorization)
		response, err := http.DefaultTransport.RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		read(t, response).refused(t, http.StatusUnauthorized, "Failed to verify JWT.")
	}
}

// An envelope decides, whatever stands in the header beside it, under both types.
func TestAnEnvelopeDecidesWhateverTheHeaderSays(t *testing.T) {
	t.Parallel()
	a := start(t)
	envelope, _ := inForm(t, envelopeForm, parameters{}, signing.NewClaims(a.clock.Now(), time.Minute))
	stale := bearer(t, signing.NewClaims(a.clock.Now().Add(-time.Hour), time.Minute))
	for _, contentType := range []string{"application/json", "application/jose+json", "Application/JOSE+JSON; charset=utf-8"} {
		for _, authorization := range []string{"", stale, "Basic YTpi", bearer(t, signing.NewClaims(a.clock.Now(), time.Minute))} {
			if got := a.send("getTimestamp", contentType, envelope, authorization); got.status != http.StatusCreated {
				t.Errorf("%s with %.12s: %s", contentType, authorization, got)
			}
		}
	}
	a.send("getTimestamp", "application/jose+json", []byte(`{}`), bearer(t, signing.NewClaims(a.clock.Now(), time.Minute))).
		refused(t, http.StatusBadRequest, "Couldn't parse JWT.")
}

// RFC 9112, section 6.3: it may be an attempt at request smuggling.
func TestContentLengthWithTransferEncodingEndsTheConnection(t *testing.T) {
	t.Parallel()
	a := start(t)
	connection, err := net.Dial("tcp", strings.TrimPrefix(a.root, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	if err := connection.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	request := "POST /api/v2/management/timestamp HTTP/1.1\r\nHost: barong\r\nContent-Type: application/json\r\nAuthorization: " +
		bearer(t, signing.NewClaims(a.clock.Now(), time.Minute)) + "\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
	if _, err := io.WriteString(connection, request+request); err != nil {
		t.Fatal(err)
	}
	answers, err := io.ReadAll(connection)
	if err != nil || strings.Count(string(answers), "HTTP/1.1 ") != 1 || !strings.Contains(string(answers), "HTTP/1.1 201") {
		t.Errorf("the answers are %s (%v)", answers, err)
	}
}
