// Package problem is the errors that a caller is told about: what kind, in which words,
// and which parameters break which rule. It knows neither users nor HTTP; the status of
// a kind is in handlers/errors.go, and docs/errors.md lists them all.
package problem

import (
	"cmp"
	"errors"
	"strings"
	"time"
)

// Kind says what went wrong. Kinds start at 1, so that a forgotten one is not mistaken
// for a decision.
type Kind int

// The kinds, by the HTTP status they end in (docs/errors.md).
const (
	BadRequest        Kind = iota + 1 // 400: the request cannot be read
	Unauthenticated                   // 401: not signed as the operation demands
	NotFound                          // 404
	MethodNotAllowed                  // 405
	TooLarge                          // 413
	UnsupportedMedia                  // 415
	InvalidParameters                 // 422: parameters break the schema; one sentence, comma-separated
	InvalidRecord                     // 422: a record breaks its rules; a list of sentences
	Rejected                          // 422: refused for one reason; one sentence
	TooManyRequests                   // 429, with RetryAfter
	Unavailable                       // 503, with RetryAfter
)

// Violation is one broken rule.
type Violation struct {
	Field      string // the parameter it is about, as in openapi.yaml; "" when it is about several
	Code       string // stable, for programs: email_taken
	Message    string // the sentence of the contract, for people: Email has already been taken
	LogMessage string // what the log says instead, where Message repeats what was sent; else empty
}

// Reason tells failures of one kind apart for the operator, whose counters have a
// series for each of them. Callers do not learn it.
type Reason string

// The reasons.
const (
	MissingSignatures Reason = "missing_signatures" // all that signed may, and a mandatory signer has not
	Overloaded        Reason = "overloaded"         // the server works on as much as it takes
	RateLimited       Reason = "rate_limited"       // a signer has used up what the configuration grants
	WrongClock        Reason = "clock"              // a time in the claims has passed or has not come: clocks differ, or a request is late
	TimedOut          Reason = "timed_out"          // the request's time, a statement's or a lock's ran out
)

// Error is every failure that a caller is told about. Anything else that is
// returned as an error is a fault of the server, and its text stays in the log.
type Error struct {
	Kind       Kind
	Detail     string        // one sentence; empty where Violations speak
	Reason     Reason        // where the operator counts it apart from others of its kind; else empty
	Violations []Violation   // in the order in which they are reported
	RetryAfter time.Duration // for TooManyRequests and Unavailable; 0 elsewhere
	Cause      error         // for the log only, never for the caller

	original *Error // which WithCause has copied; nil in an original
}

// New returns an error of one sentence.
func New(kind Kind, detail string) *Error { return &Error{Kind: kind, Detail: detail} }

// Invalid is nil when nothing was violated, else an InvalidRecord error.
func Invalid(violations ...Violation) error {
	if len(violations) == 0 {
		return nil
	}
	return &Error{Kind: InvalidRecord, Violations: violations}
}

// Error is for the log: it joins the sentences, without what they repeat of the
// request; the cause, where there is one, follows in brackets.
func (e *Error) Error() string {
	s := e.Detail
	if s == "" {
		logged := make([]string, len(e.Violations))
		for i, v := range e.Violations {
			logged[i] = cmp.Or(v.LogMessage, v.Message)
		}
		s = strings.Join(logged, ", ")
	}
	if e.Cause != nil {
		s += " (" + e.Cause.Error() + ")"
	}
	return s
}

// Message is what the caller reads when the answer has room for one string.
func (e *Error) Message() string {
	if e.Detail != "" {
		return e.Detail
	}
	return strings.Join(e.Messages(), ", ")
}

// Messages are the sentences of the violations, in order.
func (e *Error) Messages() []string {
	messages := make([]string, len(e.Violations))
	for i, v := range e.Violations {
		messages[i] = v.Message
	}
	return messages
}

// WithCause returns a copy with a cause for the log. [errors.Is] finds it equal to the
// original.
func (e *Error) WithCause(cause error) *Error {
	c := *e
	c.Cause, c.original = cause, e.first()
	return &c
}

func (e *Error) first() *Error {
	if e.original != nil {
		return e.original
	}
	return e
}

// Is says whether both are copies of one error.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && e.first() == t.first()
}

// Unwrap gives errors.Is and errors.As the cause.
func (e *Error) Unwrap() error { return e.Cause }

// KindOf is the kind of the first Error in err's chain, and 0 for a fault of the server.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return 0
}
