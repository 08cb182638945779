package repository

import (
	"context"
	"time"

	sq "github.com/Masterminds/squirrel"

	"barong/identity"
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

// OTPLockedUntil is when a user's codes count again; the zero time where nothing
// was counted.
func (r *Repository) OTPLockedUntil(ctx context.Context, uid string) (time.Time, error) {
	failures, err := r.OTPFailures(ctx, uid)
	return failures.LockedUntil, err
}

// OTPFailures are a user's failures since the last success.
func (r *Repository) OTPFailures(ctx context.Context, uid string) (identity.OTPFailures, error) {
	rows, err := all[identity.OTPFailures](ctx, r, psql.Select("in_a_row", "locked_until").From("otp_failures").
		Where(ofUser(uid)))
	if err != nil || len(rows) == 0 {
		return identity.OTPFailures{}, err
	}
	return rows[0], nil
}

// CountOTPFailure counts one more failure in a row and locks for as long as lock
// says, from now. Under a lock it counts nothing and returns that.
func (r *Repository) CountOTPFailure(ctx context.Context, uid string, now time.Time, lock func(inARow int) time.Duration) (lockedUntil time.Time, err error) {
	type counted struct {
		UserID int64
		InARow int
	}
	err = r.InTx(ctx, func(tx *Repository) error {
		lockedUntil = time.Time{}
		rows, err := all[counted](ctx, tx, psql.Insert("otp_failures").Columns("user_id", "in_a_row", "locked_until").
			Select(sq.Select("id", "1").Column("?::timestamptz", now).From("users").Where(sq.Eq{"uid": uid})).
			Suffix("ON CONFLICT (user_id) DO UPDATE SET in_a_row = otp_failures.in_a_row + 1 WHERE otp_failures.locked_until <= ? RETURNING user_id, in_a_row", now))
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			lockedUntil, err = tx.OTPLockedUntil(ctx, uid)
			return err
		}
		return tx.exec(ctx, psql.Update("otp_failures").Set("locked_until", now.Add(lock(rows[0].InARow))).
			Where(sq.Eq{"user_id": rows[0].UserID}))
	})
	return lockedUntil, err
}

// ForgetOTPFailures starts counting afresh, or returns the lock that stands.
func (r *Repository) ForgetOTPFailures(ctx context.Context, uid string, now time.Time) (lockedUntil time.Time, err error) {
	type forgotten struct{ UserID int64 }
	rows, err := all[forgotten](ctx, r, psql.Delete("otp_failures").Where(ofUser(uid)).
		Where(sq.LtOrEq{"locked_until": now}).Suffix("RETURNING user_id"))
	if err != nil || len(rows) == 1 {
		return time.Time{}, err
	}
	return r.OTPLockedUntil(ctx, uid)
}
