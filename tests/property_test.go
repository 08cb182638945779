package tests

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"barong/internal/otp"
)

var propertyTime = flag.Duration("property", time.Second, "for how long TestServerKeepsItsSpecification makes requests")

// TestServerKeepsItsSpecification makes requests of what openapi.yaml declares,
// right ones and wrong ones, in all three forms, and holds the answers against it:
//
//   - nothing is answered with a 5xx, or with what the specification does not allow;
//   - a request that is right succeeds;
//   - a 422 names every parameter that breaks the schema, in the order of
//     declaration, and no other;
//   - what the schema allows is refused for the rules of a record only;
//   - the three forms get the same answer;
//   - a request that is broken elsewhere gets the status of the check that it fails.
//
// Each round has servers of its own, so that a long run does not slow down. Within
// a round the requests of earlier checks are there: one that fails because of them
// is reported as flaky, with the request and the answer all the same.
// -rapid.checks says how many there are.
func TestServerKeepsItsSpecification(t *testing.T) {
	began := time.Now()
	tally := &tally{statuses: map[int]int{}}
	over := func() bool { return time.Since(began) >= *propertyTime }
	for round := 1; round == 1 || !over(); round++ {
		if !t.Run(fmt.Sprintf("round %d", round), func(t *testing.T) {
			s := newSubject(t, tally)
			for check := 1; check == 1 || check <= 5 && !over(); check++ {
				rapid.Check(t, s.request)
			}
		}) {
			break
		}
	}
	say("specification: %d requests in %s, statuses %s", tally.requests, time.Since(began).Round(time.Second/10), tally)
}

// tally counts what was sent and answered.
type tally struct {
	requests int
	statuses map[int]int
}

func (c *tally) String() string {
	var counts []string
	for _, status := range slices.Sorted(maps.Keys(c.statuses)) {
		counts = append(counts, fmt.Sprintf("%d: %d", status, c.statuses[status]))
	}
	return strings.Join(counts, ", ")
}

// subject is what is tested: three servers that get the same requests, each in
// its own form, and so must stay in the same state; and one for requests that
// have no such counterpart.
type subject struct {
	lockstep []*api // by forms
	alone    *api
	secret   otp.Secret
	number   string // of the user whom deletePhone is about
	tally    *tally
}

// What every server of the test has: a user, with a phone and with a label that
// only a right request touches, and one who is enrolled and active.
const (
	knownUser     = "ID00000000AA"
	knownEmail    = "known@example.com"
	knownPhone    = "+442079460018"
	knownLabel    = "known-label"
	enrolledUser  = "ID00000000BB"
	enrolledEmail = "enrolled@example.com"

	knownRobot, knownRobotEmail = "SI00000000AA", "robot@example.com"
	knownKey                    = "61d025b8573501c2" // of the user who is enrolled
)

func newSubject(t *testing.T, counts *tally) *subject {
	s := &subject{secret: otp.NewSecret(), number: knownPhone, tally: counts}
	now := time.Now().UTC()
	for range len(forms) + 1 {
		a := startWithKeys(t)
		a.clock.Advance(now.Sub(a.clock.Now()))
		for _, u := range []struct {
			uid   string
			given parameters
		}{
			{knownUser, parameters{"email": knownEmail, "phone": knownPhone, "first_name": "Ada"}},
			{enrolledUser, parameters{"email": enrolledEmail}},
		} {
			if _, err := a.pool.Exec(t.Context(), "UPDATE users SET uid = $1 WHERE uid = $2", u.uid, a.user(u.given)); err != nil {
				t.Fatal(err)
			}
		}
		a.label(knownUser, knownLabel, "here")
		a.label(enrolledUser, "email", "verified")
		if err := a.codes.Enroll(t.Context(), enrolledUser, enrolledEmail, s.secret); err != nil {
			t.Fatal(err)
		}
		a.robot(parameters{"service_account_uid": knownRobot, "service_account_email": knownRobotEmail, "service_account_state": "active"})
		if _, err := a.pool.Exec(t.Context(), "UPDATE api_keys SET kid = $1 WHERE kid = $2", knownKey, a.key(enrolledUser)); err != nil {
			t.Fatal(err)
		}
		s.lockstep = append(s.lockstep, a)
	}
	s.alone, s.lockstep = s.lockstep[len(forms)], s.lockstep[:len(forms)]
	return s
}

// request makes one request, or the same in each form, and judges the answer.
func (s *subject) request(t *rapid.T) {
	switch rapid.SampledFrom([]string{"right", "schema", "schema", "hostile", "broken", "noise"}).Draw(t, "kind") {
	case "right":
		s.right(t)
	case "schema":
		s.schema(t)
	case "hostile":
		s.hostile(t)
	case "broken":
		s.broken(t)
	default:
		s.noise(t)
	}
}

// advance sets the clocks of all servers on by the same time.
func (s *subject) advance(by time.Duration) {
	for _, a := range append(s.lockstep[:len(forms):len(forms)], s.alone) {
		a.clock.Advance(by)
	}
}

// right makes a request in which every parameter is what the operation wants,
// which must succeed.
func (s *subject) right(t *rapid.T) {
	op := rapid.SampledFrom(operations).Draw(t, "operation")
	given := s.wanted(t, op)
	got := s.inAllForms(t, op, given)
	if got.status != op.success {
		t.Fatalf("%s with %s has to succeed, and answered %s", op.id, show(given), got)
	}
}

// schema makes a request of parameters each of which keeps the schema or breaks
// it in a known way.
func (s *subject) schema(t *rapid.T) {
	op := rapid.SampledFrom(operations).Draw(t, "operation")
	given, want := s.declared(t, op)
	got := s.inAllForms(t, op, given)
	switch {
	case want != "":
		if got.status != http.StatusUnprocessableEntity || got.sentence(t) != want {
			t.Fatalf("%s with %s has to be refused with 422 %q, and answered %s", op.id, show(given), want, got)
		}
	case !got.isOfARecord(t, op):
		t.Fatalf("%s with %s keeps the schema, and answered %s", op.id, show(given), got)
	}
}

// hostile makes a request of values that have broken servers.
func (s *subject) hostile(t *rapid.T) {
	op := rapid.SampledFrom(operations).Draw(t, "operation")
	given := parameters{}
	for _, p := range op.parameters {
		if rapid.IntRange(0, 3).Draw(t, "give "+p.name) > 0 {
			given[p.name] = rapid.SampledFrom(hostile).Draw(t, p.name)
		}
	}
	s.inAllForms(t, op, given)
}

// noise changes bytes of a request that was right.
func (s *subject) noise(t *rapid.T) {
	op := rapid.SampledFrom(operations).Draw(t, "operation")
	r := s.alone.compose(t, rapid.SampledFrom(forms).Draw(t, "form"), op, s.wanted(t, op))
	r.body = bytes.Clone(r.body)
	for range rapid.IntRange(1, 8).Draw(t, "changes") {
		if len(r.body) > 0 {
			r.body[rapid.IntRange(0, len(r.body)-1).Draw(t, "place")] = rapid.Byte().Draw(t, "byte")
		}
	}
	s.exchange(t, r)
}

// inAllForms sends the same parameters to the three servers, each in its form, and
// returns the answer that they agree on. What a form cannot say is JSON twice.
func (s *subject) inAllForms(t *rapid.T, op operation, given parameters) answer {
	var decorate []func(*composed)
	if rapid.Bool().Draw(t, "problem details") {
		decorate = append(decorate, func(r *composed) { r.header.Set("Accept", "application/problem+json") })
	}
	if rapid.Bool().Draw(t, "chunked") {
		decorate = append(decorate, func(r *composed) { r.chunked = true })
	}
	var first answer
	for i, a := range s.lockstep {
		f := forms[i]
		if f == formForm && op.hasNoForm(given) {
			f = jsonForm
		}
		r := a.compose(t, f, op, given)
		for _, apply := range decorate {
			apply(&r)
		}
		got := s.exchange(t, r)
		got.body = sameEverywhere(op, got.body)
		if i == 0 {
			first = got
			continue
		}
		if got.status != first.status || !bytes.Equal(got.body, first.body) {
			t.Fatalf("%s with %s:\nas %s answered %s\nas %s answered %s", op.id, show(given), forms[0], first, f, got)
		}
		for _, name := range []string{"Content-Type", "Total", "Page", "Per-Page", "Link", "Retry-After"} {
			if got.header.Get(name) != first.header.Get(name) {
				t.Fatalf("%s with %s: %s is %q as %s, %q as %s", op.id, show(given), name, first.header.Get(name), forms[0], got.header.Get(name), f)
			}
		}
	}
	return first
}

// What is random in an answer: the uid of a new user or service account, which its e-mail may have too, the
// place of a document, a key with its secret, and the jti of an attestation, with the signature over it.
var (
	randomUID    = regexp.MustCompile(`"uid":"(ID|SI)[0-9A-F]{10}"`)
	randomTag    = regexp.MustCompile(`\+SI[0-9A-F]{10}@`)
	randomKey    = regexp.MustCompile(`"(kid|secret)":"[0-9a-f]{16,32}"`)
	randomURL    = regexp.MustCompile(`"upload":"[^"]*"`)
	randomSigned = regexp.MustCompile(`"(payload|signature)":"[^"]*"`)
)

// sameEverywhere takes out of an answer what differs from server to server.
func sameEverywhere(op operation, body []byte) []byte {
	body = randomUID.ReplaceAll(body, []byte(`"uid":"…"`))
	body = randomTag.ReplaceAll(body, []byte(`+…@`))
	body = randomKey.ReplaceAll(body, []byte(`"$1":"…"`))
	body = randomURL.ReplaceAll(body, []byte(`"upload":"…"`))
	if op.id == "signOTP" {
		body = randomSigned.ReplaceAll(body, []byte(`"$1":"…"`))
	}
	return body
}

// exchange sends a request as it is, and fails the test where the answer is a
// fault of the server or not what the specification allows.
func (s *subject) exchange(t *rapid.T, r composed) answer {
	request, err := http.NewRequestWithContext(t.Context(), r.method, r.url, bytes.NewReader(r.body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header = r.header
	if r.chunked {
		// Not only of unknown length: the client sends http.NoBody, which stands for an empty
		// body, with the length 0.
		request.ContentLength = -1
		request.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(r.body)), nil }
		request.Body, _ = request.GetBody() // never an error
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatalf("%s got no answer: %s", r, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatalf("%s got half an answer: %s", r, err)
	}
	got := answer{status: response.StatusCode, header: response.Header, body: body}
	s.tally.requests++
	s.tally.statuses[got.status]++
	if got.status >= http.StatusInternalServerError {
		t.Fatalf("%s answered %s", r, got)
	}
	if r.method != http.MethodHead {
		if err := validate(request, response, body); err != nil {
			t.Fatalf("%s answered %d with what openapi.yaml does not allow: %s\n%s", r, got.status, err, body)
		}
	}
	return got
}
