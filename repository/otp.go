package repository

import (
	"context"
	"errors"
	"time"

	sq "github.com/Masterminds/squirrel"

	"barong/internal/identity"
	"barong/internal/journal"
)

var (
	accountColumns = userColumns.only(usersTable.uid, usersTable.state, usersTable.otp)

	findOTPAccount = compile(sq.Select(accountColumns.names()...).From(usersTable.name).Where(isUser(usersTable.name)))

	deleteOTPSecret = compile(sq.Delete(otpSecretsTable.name).Where(otpSecretsTable.userID+" = ?", arg("id")))

	deleteOTPFailures = compile(sq.Delete(otpFailuresTable.name).Where(otpFailuresTable.userID+" = ?", arg("id")))

	insertOTPSecret = compile(sq.Insert(otpSecretsTable.name).Columns(otpSecretsTable.userID, otpSecretsTable.secret, otpSecretsTable.createdAt).
			Values(arg("id"), arg("secret"), arg("now")))

	enableOTP = compile(setOTP(true))

	disableOTP = compile(deactivateKeysOf(moved(setOTP(false))))

	findOTPSecret = compile(sq.Select(secretColumns.names()...).From(otpSecretsTable.name).Where(ofUser))

	acceptOTPStep = recordedWrite(sq.Update(otpSecretsTable.name).Set(otpSecretsTable.lastStep, arg("step")).
			Where(ofUser).Where(otpSecretsTable.lastStep+" < ?", arg("step")).Suffix(returning(otpSecretsTable.userID)),
		typed("uid", "text"), acceptedCode, noAnswer)

	// recordOTPCode writes nothing but the record, of a code that another system has accepted.
	recordOTPCode = recordedWrite(sq.Select(usersTable.id).From(usersTable.name).Where(isUser(usersTable.name)), typed("uid", "text"), acceptedCode, noAnswer)

	acceptedCode = jsonObject("account", accountBefore)

	findOTPFailures = compile(sq.Select(otpFailuresTable.inARow, remaining).From(otpFailuresTable.name).Where(ofUser))

	// The first failures set no lock: 1970 is in the past by any clock.
	countOTPFailure = compile(sq.Insert(otpFailuresTable.name).
			Columns(otpFailuresTable.userID, otpFailuresTable.inARow, otpFailuresTable.lockedUntil).
			Select(sq.Select(usersTable.id, "1", "'epoch'::timestamptz").From(usersTable.name).Where(isUser(usersTable.name))).
			Suffix(onConflictUpdate([]string{otpFailuresTable.userID},
			[]string{otpFailuresTable.inARow + " = " + otpFailuresTable.name + "." + otpFailuresTable.inARow + " + 1"}) +
			onlyWhere(otpFailuresTable.name+"."+unlocked)).
		Suffix(returning(otpFailuresTable.userID, otpFailuresTable.inARow)))

	lockOTP = compile(sq.Update(otpFailuresTable.name).
		Set(otpFailuresTable.lockedUntil, sq.Expr("clock_timestamp() + ?::float8 * interval '1 second'", arg("seconds"))).
		Where(otpFailuresTable.userID+" = ?", arg("id")))

	forgetOTPFailures = compile(sq.Delete(otpFailuresTable.name).Where(ofUser).Where(unlocked))

	// remaining is the number of seconds until a row's lock expires, by the clock of the database:
	// the clocks of the servers may differ.
	remaining = "GREATEST(EXTRACT(EPOCH FROM " + otpFailuresTable.lockedUntil + " - clock_timestamp()), 0)::float8"

	unlocked = otpFailuresTable.lockedUntil + " <= clock_timestamp()"
)

// setOTP switches the otp of a user whose row is locked.
func setOTP(on bool) sq.UpdateBuilder {
	return sq.Update(usersTable.name).Set(usersTable.otp, on).Set(usersTable.updatedAt, arg("now")).Where(usersTable.id+" = ?", arg("id"))
}

// FindOTPAccount returns only the columns that decide whether a user's codes are accepted: a user's
// documents may be megabytes.
func (r *Repository) FindOTPAccount(ctx context.Context, uid string) (identity.OTPAccount, error) {
	user, err := one(ctx, r, findOTPAccount, args{"uid": uid}, accountColumns.targets)
	return identity.OTPAccount{UID: user.UID, State: user.State, OTP: user.OTP}, err
}

// EnableOTP sets a user's otp, deletes the old secret and the failures, and stores the encrypted
// secret unless it is nil.
func (r *Repository) EnableOTP(ctx context.Context, uid string, encrypted []byte, now time.Time) error {
	return r.switchOTP(ctx, uid, true, now, enableOTP, func(tx *Repository, userID int64) error {
		if encrypted == nil {
			return nil
		}
		_, err := tx.exec(ctx, insertOTPSecret, args{"id": userID, "secret": encrypted, "now": now})
		return err
	})
}

// DisableOTP clears a user's otp and deletes the secret and the failures. If otp was on, the API
// keys of the user and of the user's service accounts become inactive.
func (r *Repository) DisableOTP(ctx context.Context, uid string, now time.Time) error {
	return r.switchOTP(ctx, uid, false, now, disableOTP, func(*Repository, int64) error { return nil })
}

func (r *Repository) switchOTP(ctx context.Context, uid string, on bool, now time.Time, set statement, store func(tx *Repository, userID int64) error) error {
	return r.InTx(ctx, func(tx *Repository) error {
		user, err := tx.LockUser(ctx, uid)
		if err != nil {
			return err
		}
		given := args{"id": user.ID, "now": now}
		deleted, err := tx.exec(ctx, deleteOTPSecret, given)
		if err != nil {
			return err
		}
		if _, err := tx.exec(ctx, deleteOTPFailures, given); err != nil {
			return err
		}
		if err := store(tx, user.ID); err != nil {
			return err
		}
		if user.OTP != on {
			if _, err = tx.exec(ctx, set, given); err != nil {
				return err
			}
		}
		return tx.recordWrites(ctx, &user.UID, switchedOTP(user, on, on || deleted > 0))
	})
}

// switchedOTP is what a switch of a user's otp changes. The user is as it was before.
func switchedOTP(user identity.User, on, secret bool) (changes journal.Changes) {
	if user.OTP != on {
		changes.OTP = &journal.Change[bool]{Old: user.OTP, New: on}
	}
	if secret {
		changes.Fields = []string{"otp_secret"}
	}
	if changes.OTP != nil || secret {
		changes.Account = &journal.Account{Level: user.Level, State: user.State, Role: user.Role, OTP: user.OTP}
	}
	return changes
}

// OTPSecret returns a user's encrypted secret.
func (r *Repository) OTPSecret(ctx context.Context, uid string) ([]byte, error) {
	user, err := one(ctx, r, findOTPSecret, args{"uid": uid}, secretColumns.targets)
	return user.Secret, err
}

// AcceptOTPStep stores step as the last step of a user. It returns false unless step is later than
// the stored one. It is one statement, so of concurrent calls with one step exactly one succeeds.
func (r *Repository) AcceptOTPStep(ctx context.Context, uid string, step int64) (bool, error) {
	moved, err := r.execWrite(ctx, acceptOTPStep, args{"uid": uid, "step": step})
	return moved == 1, err
}

// RecordOTPCode records that another system than the database has accepted a code of a user. Without a
// record it does nothing.
func (r *Repository) RecordOTPCode(ctx context.Context, uid string) error {
	if r.recording() == (recording{}) {
		return nil
	}
	_, err := r.execWrite(ctx, recordOTPCode, args{"uid": uid})
	return err
}

// otpFailures is a row of otp_failures.
type otpFailures struct {
	userID  int64
	inARow  int
	seconds float64 // until the lock expires
}

func (f *otpFailures) state() []any   { return []any{&f.inARow, &f.seconds} }
func (f *otpFailures) counted() []any { return []any{&f.userID, &f.inARow} }

// OTPFailures returns a user's failures since the last success.
func (r *Repository) OTPFailures(ctx context.Context, uid string) (failures identity.OTPFailures, err error) {
	found, err := one(ctx, r, findOTPFailures, args{"uid": uid}, (*otpFailures).state)
	if errors.Is(err, identity.ErrRecordNotFound) {
		return identity.OTPFailures{}, nil
	}
	return identity.OTPFailures{InARow: found.inARow, Locked: time.Duration(found.seconds * float64(time.Second))}, err
}

// OTPLock returns for how long a user's codes are rejected; 0 without a lock.
func (r *Repository) OTPLock(ctx context.Context, uid string) (time.Duration, error) {
	failures, err := r.OTPFailures(ctx, uid)
	return failures.Locked, err
}

// CountOTPFailure counts one more consecutive failure and locks the user for the duration that lock
// returns, by the clock of the database. While a lock is active it counts nothing and returns the
// remaining time.
func (r *Repository) CountOTPFailure(ctx context.Context, uid string, lock func(inARow int) time.Duration) (locked time.Duration, err error) {
	err = r.InTx(ctx, func(tx *Repository) error {
		locked = 0
		counted, err := one(ctx, tx, countOTPFailure, args{"uid": uid}, (*otpFailures).counted)
		if errors.Is(err, identity.ErrRecordNotFound) {
			locked, err = tx.OTPLock(ctx, uid)
			return err
		}
		if err != nil {
			return err
		}
		if length := lock(counted.inARow); length > 0 {
			_, err = tx.exec(ctx, lockOTP, args{"seconds": length.Seconds(), "id": counted.userID})
		}
		return err
	})
	return locked, err
}

// ForgetOTPFailures resets the count, or returns the remaining time of an active lock.
func (r *Repository) ForgetOTPFailures(ctx context.Context, uid string) (locked time.Duration, err error) {
	forgotten, err := r.exec(ctx, forgetOTPFailures, args{"uid": uid})
	if err == nil && forgotten == 0 {
		return r.OTPLock(ctx, uid)
	}
	return 0, err
}
