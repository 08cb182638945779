package handlers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"barong/generated"
	"barong/internal/auth"
	"barong/internal/identity"
	"barong/internal/problem"
)

func TestEveryKindOfErrorHasAStatus(t *testing.T) {
	t.Parallel()
	for kind := problem.BadRequest; kind <= problem.Unavailable; kind++ {
		if statuses[kind].status < 400 || statuses[kind].name == "" {
			t.Errorf("kind %d has none", kind)
		}
	}
	if len(statuses) != int(problem.Unavailable) {
		t.Errorf("%d kinds have a status, there are %d", len(statuses), problem.Unavailable)
	}
}

func fail(err error) (answer *httptest.ResponseRecorder, response ErrorResponse) {
	answer = httptest.NewRecorder()
	errs := Errors{Log: slog.New(slog.DiscardHandler), OnError: func(_ context.Context, told ErrorResponse) { response = told }}
	errs.Fail(answer, httptest.NewRequest(http.MethodPost, "/", nil), err)
	return answer, response
}

func TestErrorBecomesItsStatusAndBody(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err        error
		status     int
		body       string
		retryAfter string
	}{
		{identity.ErrRecordNotFound, 404, `{"error":"Record is not found"}`, ""},
		{fmt.Errorf("wrapped: %w", identity.ErrRecordNotFound), 404, `{"error":"Record is not found"}`, ""},
		{problem.Invalid(identity.EmailTaken), 422, `{"error":["Email has already been taken"]}`, ""},
		{&problem.Error{Kind: problem.InvalidParameters, Violations: []problem.Violation{{Message: "a is missing"}, {Message: "a is empty"}}}, 422, `{"error":"a is missing, a is empty"}`, ""},
		{&problem.Error{Kind: problem.TooManyRequests, Detail: "wait", RetryAfter: 1500 * time.Millisecond}, 429, `{"error":"wait"}`, "2"},
		{&problem.Error{Kind: problem.Unavailable, Detail: "away", RetryAfter: time.Millisecond}, 503, `{"error":"away"}`, "1"},
		{fmt.Errorf("hung up: %w", context.Canceled), 503, `{"error":"The request was abandoned"}`, "1"},
		{fmt.Errorf("waited: %w", context.DeadlineExceeded), 503, `{"error":"The request took too long, try again later"}`, "5"},
		{errors.New("secret"), 500, `{"error":"Internal server error"}`, ""},
		{&problem.Error{Detail: "an error without a kind"}, 500, `{"error":"Internal server error"}`, ""},
	} {
		got, _ := fail(c.err)
		if got.Code != c.status || strings.TrimSpace(got.Body.String()) != c.body || got.Header().Get("Retry-After") != c.retryAfter {
			t.Errorf("%v: %d %s, Retry-After %q", c.err, got.Code, got.Body, got.Header().Get("Retry-After"))
		}
	}
}

func TestCauseIsForTheOperatorAndNotAnswered(t *testing.T) {
	t.Parallel()
	for _, err := range []error{errors.New("the cause"), auth.ErrUnverified.WithCause(errors.New("the cause")), problem.New(problem.Unavailable, "away").WithCause(errors.New("the cause"))} {
		answer, response := fail(err)
		if !strings.Contains(response.Err.Error(), "the cause") || strings.Contains(answer.Body.String(), "the cause") {
			t.Errorf("%v: answered %s, the operator is told %v", err, answer.Body, response)
		}
	}
}

func TestReasonsOfErrorResponsesAreAKnownFew(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err    error
		reason string
		level  slog.Level
	}{
		{identity.ErrRecordNotFound, "not_found", slog.LevelInfo},
		{auth.ErrUnverified.WithCause(errors.New("a cause")), "unauthenticated", slog.LevelWarn},
		{auth.ErrMissingSignatures.WithCause(errors.New("a cause")), "missing_signatures", slog.LevelWarn},
		{problem.New(problem.Rejected, "no"), "rejected", slog.LevelInfo},
		{problem.New(problem.Rejected, "no").WithCause(errors.New("a cause")), "rejected", slog.LevelWarn},
		{problem.New(problem.Unavailable, "away"), "unavailable", slog.LevelError},
		{&problem.Error{Kind: problem.Unavailable, Reason: problem.Overloaded}, "overloaded", slog.LevelError},
		{fmt.Errorf("waited: %w", context.DeadlineExceeded), "timed_out", slog.LevelError},
		{fmt.Errorf("hung up: %w", context.Canceled), "abandoned", slog.LevelInfo},
		{fmt.Errorf("hung up: %w", &net.OpError{Op: "write", Err: syscall.EPIPE}), "abandoned", slog.LevelInfo},
		{&problem.Error{Kind: problem.Unavailable, Cause: &net.OpError{Op: "write", Err: syscall.EPIPE}}, "unavailable", slog.LevelError},
		{errors.New("fault"), "internal", slog.LevelError},
	} {
		_, response := fail(c.err)
		if response.Reason != c.reason || response.Level() != c.level || !slices.Contains(Reasons(), response.Reason) {
			t.Errorf("%v: %s, %s, of %v", c.err, response.Reason, response.Level(), Reasons())
		}
	}
}

// The contract defines the order of members, which a Go map would not show.
func TestMembersComeInTheOrderOfTheContract(t *testing.T) {
	t.Parallel()
	u := identity.User{Profiles: []identity.Profile{{State: identity.ProfilePartial}}, Labels: []identity.Label{{}}, Phones: []identity.Phone{{}}}
	kyc, err := (&Handlers{}).viewUserWithKYC(t.Context(), u)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		view any
		want string
	}{
		{generated.Document{}, "upload doc_type doc_number doc_expire metadata created_at updated_at"},
		{viewLabel(identity.Label{}), "key value scope created_at updated_at description"},
		{viewPhone(identity.Phone{}), "country number validated_at"},
		{viewProfile(u.CurrentProfile()), "first_name last_name dob address postcode city country state metadata"},
		{viewProfileVersion(u.Profiles[0]), "first_name last_name dob address postcode city country state metadata created_at updated_at"},
		{viewUser(u), "email uid role level otp state referral_uid data"},
		{viewUserWithProfile(u), "email uid role level otp state data profile referral_uid created_at updated_at profiles"},
		{viewUserWithFullInfo(u), "email uid role level otp state referral_uid data created_at updated_at labels phones profile profiles"},
		{kyc, "email uid role level otp state data profile labels phones documents referral_uid created_at updated_at profiles"},
	} {
		if got := memberNames(t, c.view); got != c.want {
			t.Errorf("%T:\ngot  %s\nwant %s", c.view, got, c.want)
		}
	}
}

// memberNames returns the names of the outermost object's members in the order of the encoding.
func memberNames(t *testing.T, view any) string {
	t.Helper()
	text, err := json.Marshal(view)
	if err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	var names []string
	if _, err := decoder.Token(); err != nil {
		t.Fatal(err)
	}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, name.(string))
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			t.Fatal(err)
		}
	}
	return strings.Join(names, " ")
}
