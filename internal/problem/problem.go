// Package problem defines the errors that clients see: their kind, their messages, and the
// parameters that violate rules. It is independent of users and HTTP; handlers/errors.go maps
// kinds to statuses, and docs/errors.md lists them all.
package problem

import (
	"cmp"
	"errors"
	"strings"
	"time"
)

// Kind classifies errors. Kinds start at 1, so that an unset one is not mistaken for a kind.
type Kind int

// Kinds with their HTTP status (docs/errors.md).
const (
	BadRequest        Kind = iota + 1 // 400: the request cannot be parsed
	Unauthenticated                   // 401: the request lacks the required valid signatures
	NotFound                          // 404
	MethodNotAllowed                  // 405
	TooLarge                          // 413
	UnsupportedMedia                  // 415
	InvalidParameters                 // 422: parameters violate the schema; one message, comma-separated
	InvalidRecord                     // 422: a record violates its rules; a list of messages
	Rejected                          // 422: rejected for one reason; one message
	Conflict                          // 409: the same request is in progress, or was executed long ago
	TooManyRequests                   // 429, with RetryAfter
	Unavailable                       // 503, with RetryAfter
)

// Violation is a violated rule.
type Violation struct {
	Field      string // the parameter, as in openapi.yaml; "" for several
	Code       string // stable, for programs, such as email_taken
	Message    string // for people, fixed by the API contract, such as Email has already been taken
	LogMessage string // replaces Message in the log if Message repeats the request; else empty
}

// Reason subdivides a kind for the operator: each reason has a metric series. Clients do not
// see it.
type Reason string

// Reasons.
const (
	MissingSignatures Reason = "missing_signatures" // all signatures are valid, and one of a mandatory signer is missing
	Overloaded        Reason = "overloaded"         // the server is at its limit of concurrent work
	RateLimited       Reason = "rate_limited"       // a signer has exhausted its configured rate limit
	WrongClock        Reason = "clock"              // a time claim is past or in the future: clocks differ, or the request is late
	TimedOut          Reason = "timed_out"          // the timeout of the request, a statement or a lock expired
)

// Error is every failure that a client is informed of. Any other error is an internal error,
// and its text appears only in the log.
type Error struct {
	Kind       Kind
	Detail     string        // one sentence; empty if there are Violations
	Reason     Reason        // set if the operator counts it separately from its kind; else empty
	Violations []Violation   // in the order of the response
	WithList   bool          // the response has one message, and the messages of the violations as a list beside it
	RetryAfter time.Duration // for TooManyRequests, Unavailable and a Conflict that passes; 0 elsewhere
	Cause      error         // for the log only, never for the caller

	original *Error // the error that WithCause copied; nil in an original
}

// New returns an error with one message.
func New(kind Kind, detail string) *Error { return &Error{Kind: kind, Detail: detail} }

// Invalid returns an InvalidRecord error, or nil without violations.
func Invalid(violations ...Violation) error {
	if len(violations) == 0 {
		return nil
	}
	return &Error{Kind: InvalidRecord, Violations: violations}
}

// Error returns the text for the log: the messages, without what they repeat of the request,
// and the cause, if any, in parentheses.
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

// Message returns the text of a response with room for one string.
func (e *Error) Message() string {
	if e.Detail != "" {
		return e.Detail
	}
	return strings.Join(e.Messages(), ", ")
}

// Messages returns the messages of the violations, in order.
func (e *Error) Messages() []string {
	messages := make([]string, len(e.Violations))
	for i, v := range e.Violations {
		messages[i] = v.Message
	}
	return messages
}

// WithCause returns a copy with a cause for the log. [errors.Is] treats it as equal to the
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

// Is reports whether both are copies of the same error.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && e.first() == t.first()
}

// Unwrap returns the cause, for errors.Is and errors.As.
func (e *Error) Unwrap() error { return e.Cause }

// KindOf returns the kind of the first Error in err's chain, or 0 for an internal error.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return 0
}
