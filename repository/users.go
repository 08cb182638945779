package repository

import (
	"context"
	"time"

	sq "github.com/Masterminds/squirrel"
	"github.com/jackc/pgx/v5"

	"barong/identity"
)

// userColumns are those of userRow, for a select from users u left join users r.
var userColumns = []string{
	"u.id", "u.uid", "u.email", "u.role", "u.level", "u.otp", "u.state",
	"r.uid AS referral_uid", "u.data", "u.created_at", "u.updated_at",
}

const joinReferrer = "users r ON r.id = u.referral_id"

type userRow struct {
	ID          int64
	UID         string
	Email       string
	Role        string
	Level       int
	OTP         bool
	State       string
	ReferralUID *string
	Data        *string
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

func (row userRow) user() identity.User {
	return identity.User{
		ID: row.ID, UID: row.UID, Email: row.Email, Role: row.Role, Level: row.Level, OTP: row.OTP, State: row.State,
		ReferralUID: row.ReferralUID, Data: row.Data, CreatedAt: row.CreatedAt, UpdatedAt: row.UpdatedAt,
	}
}

// InsertUser stores a new user and fills in its ID and UID. newUID is asked
// again when it hits upon a uid that is there already. The phone, the profile
// and the labels of u are not stored. A taken e-mail is identity.EmailTaken.
func (r *Repository) InsertUser(ctx context.Context, u *identity.User, newUID func() string) error {
	type inserted struct{ ID int64 }
	for {
		uid := newUID()
		rows, err := all[inserted](ctx, r, psql.Insert("users").
			Columns("uid", "email", "email_folded", "password_digest", "role", "level", "otp", "state", "data", "created_at", "updated_at").
			Values(uid, u.Email, identity.FoldEmail(u.Email), u.PasswordDigest, u.Role, u.Level, u.OTP, u.State, u.Data, u.CreatedAt, u.UpdatedAt).
			Suffix("ON CONFLICT (uid) DO NOTHING RETURNING id"))
		if err != nil {
			return err
		}
		if len(rows) == 1 {
			u.ID, u.UID = rows[0].ID, uid
			return nil
		}
	}
}

// EmailTaken says whether a user has this e-mail, in whatever case. It is good
// for a report only: by the time of an insert the answer may be another.
func (r *Repository) EmailTaken(ctx context.Context, email string) (bool, error) {
	type found struct{ ID int64 }
	rows, err := all[found](ctx, r, psql.Select("id").From("users").Where(sq.Eq{"email_folded": identity.FoldEmail(email)}))
	return len(rows) > 0, err
}

// LockUser finds a user by uid, without relations, and keeps others from
// changing it or its labels until the transaction ends.
func (r *Repository) LockUser(ctx context.Context, uid string) (identity.User, error) {
	row, err := one[userRow](ctx, r, psql.Select(userColumns...).From("users u").LeftJoin(joinReferrer).
		Where(sq.Eq{"u.uid": uid}).Suffix("FOR UPDATE OF u"))
	return row.user(), err
}

// SetStanding stores level and state of a user.
func (r *Repository) SetStanding(ctx context.Context, userID int64, level int, state string, now time.Time) error {
	return r.exec(ctx, psql.Update("users").Set("level", level).Set("state", state).Set("updated_at", now).
		Where(sq.Eq{"id": userID}))
}

// UserKey says which user is meant. It is made by one of the By… functions.
type UserKey struct{ id sq.SelectBuilder }

// ByUID means the user with this uid.
func ByUID(uid string) UserKey {
	return UserKey{sq.Select("id").From("users").Where(sq.Eq{"uid": uid})}
}

// ByEmail means the user with this e-mail, in whatever case.
func ByEmail(email string) UserKey {
	return UserKey{sq.Select("id").From("users").Where(sq.Eq{"email_folded": identity.FoldEmail(email)})}
}

// ByPhone means the user with this number, in E.164 digits: the one who has
// validated it, before anybody who only claims it.
func ByPhone(number string) UserKey {
	return UserKey{sq.Select("user_id").From("phones").Where(sq.Eq{"number": number}).
		OrderBy("(validated_at IS NULL)", "id").Suffix("LIMIT 1")}
}

// FindUser returns a user with profile, labels, phones and documents, in one
// round trip.
func (r *Repository) FindUser(ctx context.Context, key UserKey) (identity.User, error) {
	var found []userRow
	batch := &pgx.Batch{}
	err := queue(batch, psql.Select(userColumns...).From("users u").LeftJoin(joinReferrer).Where(key.matches("u.id")), &found)
	if err != nil {
		return identity.User{}, err
	}
	relations, err := queueRelations(batch, key.matches)
	if err != nil {
		return identity.User{}, err
	}
	if err := queue(batch, selectDocuments(key.matches("user_id")), &relations.documents); err != nil {
		return identity.User{}, err
	}
	if err := r.db.SendBatch(ctx, batch).Close(); err != nil {
		return identity.User{}, translate(err)
	}
	if len(found) == 0 {
		return identity.User{}, identity.ErrRecordNotFound
	}
	user := found[0].user()
	relations.attach(map[int64]*identity.User{user.ID: &user})
	return user, nil
}

// matches is the condition that a column holds the id of the user.
func (k UserKey) matches(column string) sq.Sqlizer {
	return sq.ConcatExpr(column+" = (", k.id, ")")
}
