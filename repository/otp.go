package repository

import (
	"context"
	"errors"
	"time"

	sq "github.com/Masterminds/squirrel"
	"github.com/jackc/pgx/v5"

	"barong/internal/identity"
)

var findOTPAccount = compile(psql.Select("uid", "state", "otp").From("users").Where("uid = ?", argument))

// FindOTPAccount returns what decides whether a user's codes count, and nothing
// else: documents may be megabytes.
func (r *Repository) FindOTPAccount(ctx context.Context, uid string) (account identity.OTPAccount, err error) {
	err = r.db.QueryRow(ctx, findOTPAccount, uid).Scan(&account.UID, &account.State, &account.OTP)
	return account, translate(err)
}

// EnableOTP switches a user's otp on, stores an encrypted secret in the place of
// any other, unless that is nil, and forgets the failures.
func (r *Repository) EnableOTP(ctx context.Context, uid string, encrypted []byte, now time.Time) error {
	return r.switchOTP(ctx, uid, true, now, func(tx *Repository, userID int64) error {
		if encrypted == nil {
			return nil
		}
		return tx.exec(ctx, psql.Insert("otp_secrets").Columns("user_id", "secret", "created_at").Values(userID, encrypted, now))
	})
}

// DisableOTP switches a user's otp off and forgets secret and failures.
func (r *Repository) DisableOTP(ctx context.Context, uid string, now time.Time) error {
	return r.switchOTP(ctx, uid, false, now, func(*Repository, int64) error { return nil })
}

func (r *Repository) switchOTP(ctx context.Context, uid string, on bool, now time.Time, store func(tx *Repository, userID int64) error) error {
	return r.InTx(ctx, func(tx *Repository) error {
		user, err := tx.LockUser(ctx, uid)
		if err != nil {
			return err
		}
		for _, table := range []string{"otp_secrets", "otp_failures"} {
			if err := tx.exec(ctx, psql.Delete(table).Where(sq.Eq{"user_id": user.ID})); err != nil {
				return err
			}
		}
		if err := store(tx, user.ID); err != nil {
			return err
		}
		if user.OTP == on {
			return nil
		}
		return tx.exec(ctx, psql.Update("users").Set("otp", on).Set("updated_at", now).Where(sq.Eq{"id": user.ID}))
	})
}

// OTPSecret is a user's encrypted secret.
func (r *Repository) OTPSecret(ctx context.Context, uid string) ([]byte, error) {
	type secretRow struct{ Secret []byte }
	row, err := one[secretRow](ctx, r, psql.Select("secret").From("otp_secrets").Where(ofUser(uid)))
	return row.Secret, err
}

// AcceptOTPStep makes step the last one of a user; false where it is not later
// than the one that was. One statement: of many that compare, one sets.
func (r *Repository) AcceptOTPStep(ctx context.Context, uid string, step int64) (bool, error) {
	type moved struct{ UserID int64 }
	rows, err := all[moved](ctx, r, psql.Update("otp_secrets").Set("last_step", step).
		Where(ofUser(uid)).Where(sq.Lt{"last_step": step}).Suffix("RETURNING user_id"))
	return len(rows) == 1, err
}

// remaining is for how many seconds a row's lock still stands, by the clock of the
// database: those of its servers may differ.
const remaining = "GREATEST(EXTRACT(EPOCH FROM locked_until - clock_timestamp()), 0)::float8"

var findOTPFailures = compile(psql.Select("in_a_row", remaining).From("otp_failures").Where(ofUser("")))

// OTPFailures are a user's failures since the last success.
func (r *Repository) OTPFailures(ctx context.Context, uid string) (failures identity.OTPFailures, err error) {
	var seconds float64
	err = r.db.QueryRow(ctx, findOTPFailures, uid).Scan(&failures.InARow, &seconds)
	if errors.Is(err, pgx.ErrNoRows) {
		return identity.OTPFailures{}, nil
	}
	failures.Locked = time.Duration(seconds * float64(time.Second))
	return failures, translate(err)
}

// OTPLock is for how long a user's codes do not count; 0 where they do.
func (r *Repository) OTPLock(ctx context.Context, uid string) (time.Duration, error) {
	failures, err := r.OTPFailures(ctx, uid)
	return failures.Locked, err
}

// The first failures lock for no time at all: 1970 is over by any clock.
var countOTPFailure = compile(psql.Insert("otp_failures").Columns("user_id", "in_a_row", "locked_until").
	Select(sq.Select("id", "1", "'epoch'::timestamptz").From("users").Where("uid = ?", argument)).
	Suffix("ON CONFLICT (user_id) DO UPDATE SET in_a_row = otp_failures.in_a_row + 1 WHERE otp_failures.locked_until <= clock_timestamp() RETURNING user_id, in_a_row"))

var lockOTP = compile(psql.Update("otp_failures").
	Set("locked_until", sq.Expr("clock_timestamp() + ?::float8 * interval '1 second'", argument)).Where("user_id = ?", argument))

// CountOTPFailure counts one more failure in a row and locks for as long as lock
// says, by the clock of the database. Under a lock it counts nothing and returns how
// long that still stands.
func (r *Repository) CountOTPFailure(ctx context.Context, uid string, lock func(inARow int) time.Duration) (locked time.Duration, err error) {
	err = r.InTx(ctx, func(tx *Repository) error {
		var userID int64
		var inARow int
		locked = 0
		err := tx.db.QueryRow(ctx, countOTPFailure, uid).Scan(&userID, &inARow)
		if errors.Is(err, pgx.ErrNoRows) {
			locked, err = tx.OTPLock(ctx, uid)
			return err
		}
		if err != nil {
			return err
		}
		if length := lock(inARow); length > 0 {
			_, err = tx.db.Exec(ctx, lockOTP, length.Seconds(), userID)
		}
		return err
	})
	return locked, err
}

var forgetOTPFailures = compile(psql.Delete("otp_failures").Where(ofUser("")).Where("locked_until <= clock_timestamp()").Suffix("RETURNING user_id"))

// ForgetOTPFailures starts counting afresh, or returns how long a lock still stands.
func (r *Repository) ForgetOTPFailures(ctx context.Context, uid string) (locked time.Duration, err error) {
	var userID int64
	err = r.db.QueryRow(ctx, forgetOTPFailures, uid).Scan(&userID)
	if errors.Is(err, pgx.ErrNoRows) {
		return r.OTPLock(ctx, uid)
	}
	return 0, translate(err)
}
