package otp

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode"

	"barong/internal/problem"
)

// Attempts counts the failures of users. Locks are measured by one clock for all
// servers. Package repository implements it.
type Attempts interface {
	// OTPLock is for how long a user's codes do not count; 0 where they do.
	OTPLock(ctx context.Context, uid string) (time.Duration, error)
	// CountOTPFailure counts one more failure in a row and locks for as long as
	// lock says. Under a lock nothing is counted: then locked is how long that still
	// stands, else 0.
	CountOTPFailure(ctx context.Context, uid string, lock func(inARow int) time.Duration) (locked time.Duration, err error)
	// ForgetOTPFailures starts counting afresh, or returns how long a lock still stands.
	ForgetOTPFailures(ctx context.Context, uid string) (locked time.Duration, err error)
}

// Verifier checks codes and locks those who guess. It is safe for concurrent use.
type Verifier struct {
	backend  Backend
	attempts Attempts
	observe  func(Outcome)
}

// NewVerifier checks codes by a backend. observe is told of each code that was
// given, and may be nil. Another part that is nil is an error.
func NewVerifier(backend Backend, attempts Attempts, observe func(Outcome)) (*Verifier, error) {
	switch {
	case backend == nil:
		return nil, errors.New("a verifier of one-time codes needs a backend")
	case attempts == nil:
		return nil, errors.New("a verifier of one-time codes needs a count of attempts")
	case observe == nil:
		observe = func(Outcome) {}
	}
	return &Verifier{backend, attempts, observe}, nil
}

// The lock: a minute after five failures in a row, and twice as long after each
// further one, up to an hour. At that rate a guess succeeds once in decades.
const (
	freeFailures = 5
	firstLock    = time.Minute
	longestLock  = time.Hour
)

func lockTime(inARow int) time.Duration {
	if inARow < freeFailures {
		return 0
	}
	lock := firstLock
	for range inARow - freeFailures {
		lock = min(2*lock, longestLock)
	}
	return lock
}

// Verify is nil when the code is right and counts now: it is spent. Blanks in it do
// not count: authenticators show 123 456. Under a lock no code is looked at, and the failures
// of many who guess at once are counted one after the other, so that no more of
// them learn anything than of one who asks patiently.
func (v *Verifier) Verify(ctx context.Context, uid, code string) error {
	err := v.verify(ctx, uid, code)
	v.observe(outcomeOf(err))
	return err
}

func (v *Verifier) verify(ctx context.Context, uid, code string) error {
	lock, err := v.attempts.OTPLock(ctx, uid)
	switch {
	case err != nil:
		return err
	case lock > 0:
		return locked(lock)
	}
	verdict := Wrong
	if code = withoutBlanks(code); wellFormed(code) {
		if verdict, err = v.backend.Check(ctx, uid, code); err != nil {
			return err
		}
	}
	switch verdict {
	case Right:
		lock, err = v.attempts.ForgetOTPFailures(ctx, uid)
	case Used:
		return ErrCodeUsed // no guess, and no proof either
	default:
		lock, err = v.attempts.CountOTPFailure(ctx, uid, lockTime)
	}
	switch {
	case err != nil:
		return err
	case lock > 0:
		return locked(lock)
	case verdict != Right:
		return ErrInvalidCode
	default:
		return nil
	}
}

// withoutBlanks drops white space of every width, none included.
func withoutBlanks(code string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, code)
}

func locked(remaining time.Duration) error {
	return &problem.Error{
		Kind:       problem.TooManyRequests,
		Detail:     "Too many attempts, try again later",
		RetryAfter: remaining,
	}
}
