package otp

import (
	"context"
	"time"
)

// Verdict is a backend's result for a code.
type Verdict int

// The verdicts. A backend returns Right once for each code of a user, also under concurrent calls.
const (
	Wrong Verdict = iota + 1
	Right
	Used // it is right, but was accepted before
)

// Backend stores the secrets of users, identified by their uid. It is safe for concurrent use, also
// by several servers.
//
// Its errors are meant for the caller: ErrInvalidCode where there is no secret, ErrMaintenance
// where the backend fails, each with its cause, and the errors of package repository.
type Backend interface {
	// Check verifies six digits.
	Check(ctx context.Context, uid, code string) (Verdict, error)
	// Enroll stores the secret, replaces any other, and sets the user's otp. account is the label
	// of the secret in an authenticator.
	Enroll(ctx context.Context, uid, account string, secret Secret) error
	// Disable clears otp and deletes the secret, if there is one.
	Disable(ctx context.Context, uid string) error
	// On returns the backend with the same secrets, whose writes a store makes, such as one that
	// records them.
	On(store Store) Backend
	// Enrolled reports whether there is a secret, whatever the user's otp is.
	Enrolled(ctx context.Context, uid string) (bool, error)
}

// Accounts stores the otp of users. Package repository implements it.
type Accounts interface {
	// EnableOTP sets a user's otp, deletes the old secret and the failures, and stores the
	// encrypted secret unless it is nil, in one transaction.
	EnableOTP(ctx context.Context, uid string, encrypted []byte, now time.Time) error
	// DisableOTP clears otp and deletes the secret and the failures.
	DisableOTP(ctx context.Context, uid string, now time.Time) error
	// RecordOTPCode records that a code was accepted, where another system than the store counts
	// codes.
	RecordOTPCode(ctx context.Context, uid string) error
}
