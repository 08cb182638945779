package tests

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"barong/clients/go/signing"
	"barong/internal/config"
)

// keyed sends a request with a Bearer token and an Idempotency-Key.
func (a *api) keyed(operation, key string, given parameters, accept ...string) answer {
	a.t.Helper()
	return a.send(operation, "application/json", marshal(a.t, given), bearer(a.t, signing.NewClaims(a.clock.Now(), time.Minute)),
		func(_ context.Context, r *http.Request) error {
			r.Header.Set("Idempotency-Key", key)
			for _, each := range accept {
				r.Header.Set("Accept", each)
			}
			return nil
		})
}

// replays fails the test unless an answer repeats the first one.
func (x answer) replays(t testing.TB, first answer) {
	t.Helper()
	if x.status != first.status || !bytes.Equal(x.body, first.body) || x.header.Get("Idempotent-Replayed") != "true" || first.header.Get("Idempotent-Replayed") != "" {
		t.Errorf("the first answer is %s\n    the second %s, Idempotent-Replayed %q", first, x, x.header.Get("Idempotent-Replayed"))
	}
}

// count returns the single number that a query selects.
func (a *api) count(query string) (n int) {
	a.t.Helper()
	if err := a.pool.QueryRow(a.t.Context(), query).Scan(&n); err != nil {
		a.t.Fatal(err)
	}
	return n
}

// Guards that a repetition gets the answer of the first request, whatever has changed since, and that a key
// belongs to one request.
func TestARepetitionGetsTheFirstAnswer(t *testing.T) {
	t.Parallel()
	a := start(t)
	uid := a.user(nil)
	email := unique("ada") + "@example.com"
	label := parameters{"user_uid": uid, "key": "email", "value": "verified"}
	for _, step := range []struct {
		operation string
		given     parameters
		other     parameters // of another request
	}{
		{"createUser", parameters{"email": email, "password": "Tr0ub4dor&3-horse"}, parameters{"email": unique("bob") + "@example.com", "password": "Tr0ub4dor&3-horse"}},
		{"importUser", parameters{"email": unique("eve") + "@example.com", "password_digest": digest}, parameters{"email": email, "password_digest": digest}},
		{"createLabel", label, parameters{"user_uid": uid, "key": "email", "value": "rejected"}},
		{"updateLabel", parameters{"user_uid": uid, "key": "email", "value": "rejected"}, label},
		{"deleteLabel", parameters{"user_uid": uid, "key": "email"}, parameters{"user_uid": uid, "key": "phone"}},
	} {
		key := unique(step.operation)
		first := a.keyed(step.operation, `"`+key+`"`, step.given)
		if first.status >= 300 {
			t.Fatalf("%s: %s", step.operation, first)
		}
		a.keyed(step.operation, key, step.given).replays(t, first) // without quotes
		a.keyed(step.operation, key, step.given, "application/problem+json").replays(t, first)
		a.keyed(step.operation, key, step.other).refused(t, http.StatusUnprocessableEntity, "Idempotency key was used for another request")
		a.keyed("updateLabel", key, parameters{"user_uid": uid, "key": "other", "value": "operation"}).refused(t, http.StatusUnprocessableEntity, "Idempotency key was used for another request")
	}
	if labels := a.count("SELECT count(*) FROM labels WHERE key IN ('email', 'other')"); labels != 0 {
		t.Errorf("there are %d labels", labels)
	}
	if rows := a.count("SELECT count(*) FROM journal_inbox WHERE record LIKE '%Label%'"); rows != 3 {
		t.Errorf("the journal has %d writes of labels", rows)
	}
	if personal := a.count("SELECT count(*) FROM idempotency_keys WHERE position('" + email + "'::bytea IN coalesce(answer, '')) > 0"); personal != 0 {
		t.Error("an e-mail is readable in an answer")
	}
}

// Guards that a refused request does not spend its key, and that malformed and missing keys are rejected.
func TestKeysOfRefusedRequests(t *testing.T) {
	t.Parallel()
	a := start(t, func(s *setup) { s.requireKeys = true; s.idempotency = config.On })
	uid := a.user(nil)
	label := parameters{"user_uid": uid, "key": "email", "value": "verified"}
	a.keyed("deleteLabel", "k", parameters{"user_uid": uid, "key": "email"}).refused(t, http.StatusNotFound, "Record is not found")
	if got := a.keyed("createLabel", "k", label); got.status != http.StatusCreated {
		t.Errorf("%s", got)
	}
	malformed := "Idempotency-Key must be one string of 1 to 255 visible ASCII characters."
	for _, key := range []string{`""`, `"open`, `"a"b"`, "with space", strings.Repeat("x", 256), "é"} {
		a.keyed("createLabel", key, label).refused(t, http.StatusBadRequest, malformed)
	}
	a.call(jsonForm, "createLabel", label).refused(t, http.StatusBadRequest, "Idempotency-Key is required.")
	a.must("listLabels", parameters{"user_uid": uid}) // reads need none
}

// Guards that one signed envelope is executed once, also with one of its signatures taken off, however often
// it arrives at two servers at the same time.
func TestOneEnvelopeIsExecutedOnce(t *testing.T) {
	t.Parallel()
	enforced := func(s *setup) { s.idempotency = config.On }
	a := start(t, enforced)
	b := start(t, enforced, func(s *setup) { s.pool = a.pool })
	b.clock = a.clock
	uid := a.user(nil)
	claims := signing.NewClaims(a.clock.Now(), time.Minute)
	both, err := signing.Envelope(marshal(t, parameters{"user_uid": uid, "key": "email", "value": "verified"}), claims, backend().signer, audit().signer)
	if err != nil {
		t.Fatal(err)
	}
	var parts struct {
		Payload    string            `json:"payload"`
		Signatures []json.RawMessage `json:"signatures"`
	}
	if err := json.Unmarshal(both, &parts); err != nil {
		t.Fatal(err)
	}
	parts.Signatures = parts.Signatures[:1]
	one := marshal(t, parts)

	const times = 100
	answers := make([]answer, times)
	var waiting sync.WaitGroup
	for i := range times {
		waiting.Go(func() {
			server, body := []*api{a, b}[i%2], [][]byte{both, one}[i/2%2]
			answers[i] = server.send("createLabel", "application/json", body, "")
		})
	}
	waiting.Wait()
	firsts := 0
	good := answers[max(0, slices.IndexFunc(answers, func(got answer) bool { return got.status == http.StatusCreated }))]
	for _, got := range answers {
		switch {
		case got.status == http.StatusCreated && bytes.Equal(got.body, good.body):
			if got.header.Get("Idempotent-Replayed") == "" {
				firsts++
			}
		case got.status == http.StatusConflict && got.header.Get("Retry-After") == "1", got.status == http.StatusServiceUnavailable:
		default:
			t.Errorf("answered %s, and %s", got, good)
		}
	}
	if rows := a.count("SELECT count(*) FROM journal_inbox WHERE record LIKE '%createLabel%'"); firsts != 1 || rows != 1 {
		t.Errorf("%d requests were executed, and %d recorded", firsts, rows)
	}
}

// Guards that a key holds as long as the envelope is valid, that its answer is forgotten before, and that
// an expired key that was not swept yet does not stop a request.
func TestKeysExpire(t *testing.T) {
	t.Parallel()
	a := start(t, func(s *setup) { s.idempotency = config.On })
	uid := a.user(nil)
	claims := signing.NewClaims(a.clock.Now(), 48*time.Hour)
	label := marshal(t, parameters{"user_uid": uid, "key": "email", "value": "verified"})
	envelope, err := signing.Envelope(label, claims, backend().signer)
	if err != nil {
		t.Fatal(err)
	}
	send := func() answer { return a.send("updateLabel", "application/json", envelope, "") }
	first := send()
	a.clock.Advance(23 * time.Hour)
	send().replays(t, first)
	a.clock.Advance(2 * time.Hour)
	send().refused(t, http.StatusConflict, "The request was already executed")
	a.clock.Advance(24 * time.Hour)
	if got := send(); got.status != http.StatusUnauthorized {
		t.Errorf("%s", got)
	}
	claims.IssuedAt, claims.ExpiresAt = a.clock.Now(), a.clock.Now().Add(time.Minute)
	if envelope, err = signing.Envelope(label, claims, backend().signer); err != nil {
		t.Fatal(err)
	}
	if got := send(); got.status != http.StatusOK || got.header.Get("Idempotent-Replayed") != "" {
		t.Errorf("after the key's time: %s", got)
	}
}

// Guards the default: a Bearer token serves many requests, and a repeated jti of an envelope is executed,
// logged and counted.
func TestARepeatedJTIIsObserved(t *testing.T) {
	t.Parallel()
	a := start(t)
	uid := a.user(nil)
	body := marshal(t, parameters{"user_uid": uid, "key": "email", "value": "verified"})
	claims := signing.NewClaims(a.clock.Now(), time.Minute)
	envelope, err := signing.Envelope(body, claims, backend().signer)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if got := a.send("updateLabel", "application/json", body, bearer(t, claims)); got.status != http.StatusOK {
			t.Errorf("%s", got)
		}
	}
	if strings.Contains(a.log.String(), "executed again") {
		t.Error("a Bearer token was taken for a key")
	}
	for range 2 {
		if got := a.send("updateLabel", "application/json", envelope, ""); got.status != http.StatusOK || got.header.Get("Idempotent-Replayed") != "" {
			t.Errorf("%s", got)
		}
	}
	if n := strings.Count(a.log.String(), "executed again"); n != 1 {
		t.Errorf("%d repetitions are logged", n)
	}
}

// Guards what a record of a label's write has: the signed payload only where its jti is enforced, and the
// signature of each permitted signer.
func TestRecordsOfWritesHaveTheirProof(t *testing.T) {
	t.Parallel()
	for mode, wanted := range map[string]bool{"": false, config.On: true} {
		a := start(t, func(s *setup) { s.idempotency = mode })
		uid := a.user(nil)
		a.label(uid, "email", "verified")
		a.must("updateLabel", parameters{"user_uid": uid, "key": "email", "value": "verified", "description": "of a person"})
		var plain, described string
		for query, to := range map[string]*string{"asc": &plain, "desc": &described} {
			if err := a.pool.QueryRow(t.Context(), "SELECT record FROM journal_inbox WHERE record LIKE '%updateLabel%' ORDER BY id "+query+" LIMIT 1").Scan(to); err != nil {
				t.Fatal(err)
			}
		}
		if strings.Contains(plain, `"payload"`) != wanted || strings.Contains(described, `"payload"`) {
			t.Errorf("%q: %s\n%s", mode, plain, described)
		}
		for _, part := range []string{`"form":"envelope"`, `"signers":["backend"]`, `"kid":"backend"`, `"alg":"RS256"`, `"thumbprint":"`, `"signature":"`} {
			if !strings.Contains(plain, part) {
				t.Errorf("a record has no %s: %s", part, plain)
			}
		}
	}
}

// Guards that requests with one key wait for the first one instead of hashing a password again.
func TestOnePasswordIsHashedOnce(t *testing.T) {
	t.Parallel()
	a := start(t)
	given := parameters{"email": unique("ada") + "@example.com", "password": "Tr0ub4dor&3-horse"}
	bodies := make([]string, 50)
	var waiting sync.WaitGroup
	for i := range bodies {
		waiting.Go(func() { bodies[i] = fmt.Sprint(a.keyed("createUser", "once", given)) })
	}
	waiting.Wait()
	for _, body := range bodies {
		if body != bodies[0] || !strings.HasPrefix(body, "201") {
			t.Errorf("%s\n    %s", body, bodies[0])
		}
	}
	if n := a.count("SELECT count(*) FROM users"); n != 1 {
		t.Errorf("there are %d users", n)
	}
}
