package repository

import (
	"context"

	"github.com/jackc/pgx/v5"

	"barong/internal/identity"
)

// exported is how many users are read at once.
const exported = 2000

// ExportUsers hands out all users of one snapshot in the order of their ids, with
// password digest, profile, labels, phones and the encrypted secret, some at a
// time: what it holds does not grow with their number. A visit that fails ends it.
func (r *Repository) ExportUsers(ctx context.Context, visit func([]ImportedUser) error) error {
	return pgx.BeginFunc(ctx, r.db, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"); err != nil {
			return translate(err)
		}
		snapshot := &Repository{db: tx}
		for after := int64(0); ; {
			users, err := snapshot.exportAfter(ctx, after)
			if err != nil || len(users) == 0 {
				return err
			}
			after = users[len(users)-1].ID
			if err := visit(users); err != nil {
				return err
			}
		}
	})
}

func (r *Repository) exportAfter(ctx context.Context, id int64) ([]ImportedUser, error) {
	rows, err := r.db.Query(ctx, `SELECT u.id, u.uid, u.email, u.password_digest, u.role, u.level, u.otp, u.state, r.uid, u.data,
		u.created_at, u.updated_at, s.secret
		FROM users u LEFT JOIN users r ON r.id = u.referral_id LEFT JOIN otp_secrets s ON s.user_id = u.id
		WHERE u.id > $1 ORDER BY u.id LIMIT $2`, id, exported)
	if err != nil {
		return nil, translate(err)
	}
	users, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (u ImportedUser, err error) {
		return u, row.Scan(&u.ID, &u.UID, &u.Email, &u.PasswordDigest, &u.Role, &u.Level, &u.OTP, &u.State, &u.ReferralUID, &u.Data,
			&u.CreatedAt, &u.UpdatedAt, &u.Secret)
	})
	if err != nil {
		return nil, translate(err)
	}
	nouns := make([]identity.User, len(users))
	for i, u := range users {
		nouns[i] = u.User
	}
	if err := r.LoadRelations(ctx, nouns); err != nil {
		return nil, err
	}
	for i := range users {
		users[i].User = nouns[i]
	}
	return users, nil
}

// CountUsers is how many users there are, by the counts that are kept.
func (r *Repository) CountUsers(ctx context.Context) (int64, error) {
	type total struct{ N int64 }
	counted, err := one[total](ctx, r, psql.Select("coalesce(sum(n), 0)::bigint AS n").From("user_counts"))
	return counted.N, err
}

// CountDocuments is how many documents there are.
func (r *Repository) CountDocuments(ctx context.Context) (n int64, err error) {
	return n, translate(r.db.QueryRow(ctx, "SELECT count(*) FROM documents").Scan(&n))
}
