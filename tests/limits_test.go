package tests

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"barong/clients/go/signing"
)

const busy = "The server is busy with other requests, try again later"

func TestOperationsBeyondTheLimitAreRefusedUnread(t *testing.T) {
	t.Parallel()
	a := start(t, func(s *setup) { s.inFlight, s.timeout, s.database = 1, 2*time.Minute, "lock_timeout=0" })
	uid := a.user(nil)
	release := a.lockUsers()
	first := make(chan answer, 1)
	go func() {
		first <- a.call(envelopeForm, "createLabel", parameters{"user_uid": uid, "key": "email", "value": "verified"})
	}()
	eventually(t, "the first one waits", func() bool {
		return a.count("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'") > 0
	})
	more := a.call(jsonForm, "getTimestamp", nil)
	more.refused(t, http.StatusServiceUnavailable, busy)
	if after := more.header.Get("Retry-After"); after != "1" {
		t.Errorf("Retry-After is %q", after)
	}
	if !strings.Contains(a.log.String(), "reason=overloaded") {
		t.Error("the log has no reason")
	}
	// The answer comes though the body never does.
	unread, writer := io.Pipe()
	defer writer.Close()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.url+"/timestamp", unread)
	if err != nil {
		t.Fatal(err)
	}
	request.ContentLength = 1 << 20
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	read(t, response).refused(t, http.StatusServiceUnavailable, busy)

	release()
	if got := <-first; got.status != http.StatusCreated {
		t.Errorf("the one that was there first: %s", got)
	}
	a.must("getTimestamp", nil)
}

// Nobody who is slow, or not allowed to call, keeps others from being served.
func TestSlowSendersTakeNoPlace(t *testing.T) {
	t.Parallel()
	a := start(t, func(s *setup) { s.inFlight = 1 })
	body, writer := io.Pipe()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.url+"/timestamp", body)
	if err != nil {
		t.Fatal(err)
	}
	request.ContentLength = 2
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", bearer(t, signing.NewClaims(a.clock.Now(), time.Minute)))
	slow := make(chan int, 1)
	go func() {
		response, err := http.DefaultTransport.RoundTrip(request)
		if err != nil {
			slow <- 0
			return
		}
		response.Body.Close()
		slow <- response.StatusCode
	}()
	if _, err := writer.Write([]byte("{")); err != nil { // it is being read
		t.Fatal(err)
	}
	for range 20 {
		a.must("getTimestamp", nil)
	}
	if _, err := writer.Write([]byte("}")); err != nil {
		t.Fatal(err)
	}
	writer.Close()
	if got := <-slow; got != http.StatusCreated {
		t.Errorf("the slow one got %d", got)
	}
}

func TestSignersHaveTheirRatesInEachForm(t *testing.T) {
	t.Parallel()
	for _, f := range forms {
		t.Run(string(f), func(t *testing.T) {
			t.Parallel()
			a := start(t, func(s *setup) { s.rates = "getUser=3/m, backend:listLabels=1/h" })
			for _, want := range []string{`"getUser";r=2;t=20`, `"getUser";r=1;t=40`} {
				got := a.call(f, "getUser", parameters{"uid": "ID1"})
				got.refused(t, http.StatusNotFound, "Record is not found")
				limited(t, got, `"getUser";q=3;w=60`, want)
			}
			got := a.call(f, "getUser", nil) // which counts: the signatures had to be verified
			if got.status != http.StatusUnprocessableEntity {
				t.Error(got)
			}
			limited(t, got, `"getUser";q=3;w=60`, `"getUser";r=0;t=60`)
			got = a.call(f, "getUser", parameters{"uid": "ID1"})
			got.refused(t, http.StatusTooManyRequests, "A signer has sent too many requests, try again later")
			limited(t, got, `"getUser";q=3;w=60`, `"getUser";r=0;t=60`)
			if after := got.header.Get("Retry-After"); after != "20" {
				t.Errorf("Retry-After is %s", after)
			}
			if log := a.log.String(); !strings.Contains(log, "reason=rate_limited") || !strings.Contains(log, "backend has used up") {
				t.Error("the log does not say who was refused")
			}
			limited(t, a.call(f, "listLabels", parameters{"user_uid": a.user(nil)}), `"backend:listLabels";q=1;w=3600`, `"backend:listLabels";r=0;t=3600`)
			limited(t, a.call(f, "getTimestamp", nil), "", "")
			limited(t, a.send("getUser", "application/json", nil, ""), "", "") // 401: nobody's quota
			a.clock.Advance(20 * time.Second)
			limited(t, a.call(f, "getUser", parameters{"uid": a.user(nil)}), `"getUser";q=3;w=60`, `"getUser";r=0;t=60`)
		})
	}
}

func limited(t testing.TB, got answer, policy, state string) {
	t.Helper()
	if p, s := got.header.Get("RateLimit-Policy"), got.header.Get("RateLimit"); p != policy || s != state {
		t.Errorf("%s\ngot  %s and %s\nwant %s and %s", got, p, s, policy, state)
	}
}

func TestTightestLimitOfSeveralSignersAnswers(t *testing.T) {
	t.Parallel()
	a := start(t, func(s *setup) { s.rates = "*=100/s, audit:*=1/m" })
	call := func(signers ...*signing.Signer) answer {
		envelope, err := signing.Envelope([]byte("{}"), signing.NewClaims(a.clock.Now(), time.Minute), signers...)
		if err != nil {
			t.Fatal(err)
		}
		return a.send("getTimestamp", "application/json", envelope, "")
	}
	limited(t, call(backend().signer), `"*";q=100;w=1`, `"*";r=99;t=1`)
	limited(t, call(backend().signer, audit().signer), `"audit:*";q=1;w=60`, `"audit:*";r=0;t=60`)
	for range 2 {
		got := call(backend().signer, audit().signer)
		got.refused(t, http.StatusTooManyRequests, "A signer has sent too many requests, try again later")
		limited(t, got, `"audit:*";q=1;w=60`, `"audit:*";r=0;t=60`)
	}
	limited(t, call(backend().signer), `"*";q=100;w=1`, `"*";r=97;t=1`)
}

func TestServerDoesNotStartOnLimitsThatMakeNoSense(t *testing.T) {
	t.Parallel()
	for setting, want := range map[string]string{
		"BARONG_RATE_LIMITS=makeUser=5/s":  "BARONG_RATE_LIMITS: rule 1: there is no such operation",
		"BARONG_RATE_LIMITS=nobody:*=5/s":  "BARONG_RATE_LIMITS: rule 1: the keychain has no such signer",
		"BARONG_MAX_IN_FLIGHT=0":           "BARONG_MAX_IN_FLIGHT must be at least 1",
		"BARONG_BODY_LIMIT=67108865":       "BARONG_BODY_LIMIT must be 1024 to 67108864 bytes",
		"BARONG_MAX_CONNECTIONS=0":         "BARONG_MAX_CONNECTIONS must be at least 1",
		"BARONG_MAX_IN_FLIGHT=many":        "BARONG_MAX_IN_FLIGHT cannot be read as int",
		"BARONG_RATE_LIMITS=createUser=5s": "a rate is written as 100/s",
	} {
		name, value, _ := strings.Cut(setting, "=")
		_, stderr, status := barong(t, map[string]string{name: value, "BARONG_DATA_DIR": t.TempDir()}, "serve")
		if status == 0 || !strings.Contains(stderr, want) {
			t.Errorf("%s: %d %s", setting, status, bytes.TrimSpace([]byte(stderr)))
		}
	}
}
