package otp

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gocloud.dev/secrets"

	"barong/internal/identity"
	"barong/internal/keys"
)

// Store is the table of encrypted secrets. Package repository implements it.
type Store interface {
	Accounts
	// OTPSecret returns the encrypted secret; identity.ErrRecordNotFound without one.
	OTPSecret(ctx context.Context, uid string) ([]byte, error)
	// AcceptOTPStep stores a later time step of a user. It returns false where the user has reached
	// this step or a later one. Of concurrent calls for a step, one succeeds.
	AcceptOTPStep(ctx context.Context, uid string, step int64) (bool, error)
}

// Local is the backend with encrypted secrets in the database.
type Local struct {
	store  Store
	sealer *keys.Sealer
	clock  func() time.Time
}

// NewLocal makes a backend. The keeper is the key from outside of the database. The caller closes
// it.
func NewLocal(store Store, keeper *secrets.Keeper, clock func() time.Time) *Local {
	return &Local{store: store, sealer: keys.NewSealer(keeper), clock: clock}
}

var _ Backend = (*Local)(nil)

// On implements Backend.
func (l *Local) On(store Store) Backend {
	other := *l
	other.store = store
	return &other
}

// Check accepts each time step once, and none before an accepted one (RFC 6238 §5.2).
func (l *Local) Check(ctx context.Context, uid, code string) (Verdict, error) {
	secret, err := l.secret(ctx, uid)
	if err != nil {
		return 0, err
	}
	step, ok := secret.Step(code, l.clock())
	if !ok {
		return Wrong, nil
	}
	accepted, err := l.store.AcceptOTPStep(ctx, uid, step)
	switch {
	case err != nil:
		return 0, err
	case !accepted:
		return Used, nil
	default:
		return Right, nil
	}
}

// Enroll implements Backend. It does not store the account's name.
func (l *Local) Enroll(ctx context.Context, uid, _ string, secret Secret) error {
	encrypted, err := l.Seal(ctx, uid, secret)
	if err != nil {
		return err
	}
	return l.store.EnableOTP(ctx, uid, encrypted, l.clock())
}

// Disable implements Backend.
func (l *Local) Disable(ctx context.Context, uid string) error {
	return l.store.DisableOTP(ctx, uid, l.clock())
}

// Enrolled implements Backend.
func (l *Local) Enrolled(ctx context.Context, uid string) (bool, error) {
	_, err := l.store.OTPSecret(ctx, uid)
	if errors.Is(err, identity.ErrRecordNotFound) {
		return false, nil
	}
	return err == nil, err
}

func (l *Local) secret(ctx context.Context, uid string) (Secret, error) {
	encrypted, err := l.store.OTPSecret(ctx, uid)
	if errors.Is(err, identity.ErrRecordNotFound) {
		return "", ErrInvalidCode.WithCause(fmt.Errorf("otp of %s is on, and the database has no secret", uid))
	}
	if err != nil {
		return "", err
	}
	return l.Unseal(ctx, uid, encrypted)
}

// Seal encrypts a secret for the row of one user.
func (l *Local) Seal(ctx context.Context, uid string, secret Secret) ([]byte, error) {
	encrypted, err := l.sealer.Seal(ctx, uid, string(secret))
	if err != nil {
		return nil, ErrMaintenance.WithCause(err)
	}
	return encrypted, nil
}

// Unseal decrypts a secret that Seal encrypted for the same user.
func (l *Local) Unseal(ctx context.Context, uid string, encrypted []byte) (Secret, error) {
	secret, err := l.sealer.Unseal(ctx, uid, encrypted)
	if err != nil {
		return "", ErrMaintenance.WithCause(err)
	}
	return Secret(secret), nil
}
