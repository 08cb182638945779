package otp

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode"

	"barong/internal/problem"
)

// Attempts counts the failures of users. One clock measures locks for all servers. Package
// repository implements it.
type Attempts interface {
	// OTPLock returns for how long a user's codes are rejected; 0 without a lock.
	OTPLock(ctx context.Context, uid string) (time.Duration, error)
	// CountOTPFailure counts one more failure in a row and locks the user for the duration that
	// lock returns. While a lock is active it counts nothing, and locked is the remaining time;
	// otherwise locked is 0.
	CountOTPFailure(ctx context.Context, uid string, lock func(inARow int) time.Duration) (locked time.Duration, err error)
	// ForgetOTPFailures resets the count, or returns the remaining time of an active lock.
	ForgetOTPFailures(ctx context.Context, uid string) (locked time.Duration, err error)
}

// Verifier checks codes and locks users after repeated failures. It is safe for concurrent use.
type Verifier struct {
	backend  Backend
	attempts Attempts
	observe  func(Outcome)
}

// NewVerifier checks codes with a backend. observe gets the outcome of each verification, and may
// be nil. The other parameters must not be nil.
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

// On returns the verifier on a backend whose writes a store makes, such as one that records them.
// Failures are counted where they were.
func (v *Verifier) On(store Store) *Verifier {
	return &Verifier{v.backend.On(store), v.attempts, v.observe}
}

// The lock: one minute after five failures in a row, doubling with each further failure up to an
// hour. At that rate a guess succeeds once in decades.
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

// Verify returns nil when the code is right and was not used before; then the code is used. It
// ignores blanks, because authenticators show 123 456. While a lock is active it checks no code.
// Failures of concurrent guesses are counted one after the other, so concurrency yields no
// additional guesses.
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
		return ErrCodeUsed // neither a failed guess nor a proof
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

// withoutBlanks removes white space of every width, including zero width.
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
