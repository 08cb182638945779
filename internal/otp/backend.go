package otp

import (
	"context"
	"time"
)

// Verdict is what a backend finds of a code.
type Verdict int

// The verdicts. Right is given once for each code of a user, however many ask
// at once.
const (
	Wrong Verdict = iota + 1
	Right
	Used // it was right, and had counted before
)

// Backend keeps the secrets of users, who go by their uid. It is safe for
// concurrent use, by several servers too.
//
// Its errors are the caller's to see: ErrInvalidCode where there is no secret to
// check against, ErrMaintenance where the backend does not do its work, each with
// its cause; and those of package repository.
type Backend interface {
	// Check judges six digits.
	Check(ctx context.Context, uid, code string) (Verdict, error)
	// Enroll stores the secret in the place of any other and switches the user's
	// otp on. account is the name that goes with the secret.
	Enroll(ctx context.Context, uid, account string, secret Secret) error
	// Disable switches otp off and forgets the secret. There need not be one.
	Disable(ctx context.Context, uid string) error
	// Enrolled says whether there is a secret, whatever the user's otp says.
	Enrolled(ctx context.Context, uid string) (bool, error)
}

// Accounts is where users have their otp. Package repository implements it.
type Accounts interface {
	// EnableOTP switches a user's otp on, stores an encrypted secret unless that
	// is nil and forgets the failures, all or nothing.
	EnableOTP(ctx context.Context, uid string, encrypted []byte, now time.Time) error
	// DisableOTP takes all that back.
	DisableOTP(ctx context.Context, uid string, now time.Time) error
}
