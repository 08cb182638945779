package repository

import (
	"context"
	"errors"
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

// insertUser stores a user with phones, profile and labels, and counts it. With a
// uid that is there already it does nothing at all. The count stands first among
// the parts that follow the user: PostgreSQL runs them from the last to the
// first, and the row of a count is to be locked last.
var insertUser = `
	WITH inserted AS (
		INSERT INTO users (uid, email, email_folded, password_digest, role, level, otp, state, data, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
		ON CONFLICT (uid) DO NOTHING RETURNING id
	), counted AS (
		` + countInserted("inserted", "$12") + `
	), with_phones AS (
		INSERT INTO phones (user_id, country, number, validated_at, created_at, updated_at)
		SELECT id, country, number, validated_at, $10, $10 FROM inserted,
			unnest($13::text[], $14::text[], $15::timestamptz[]) AS phone (country, number, validated_at)
	), with_labels AS (
		INSERT INTO labels (user_id, key, value, scope, created_at, updated_at)
		SELECT id, key, value, scope, $10, $10 FROM inserted,
			unnest($16::text[], $17::text[], $18::text[]) AS label (key, value, scope)
	), with_profile AS (
		INSERT INTO profiles (user_id, first_name, last_name, dob, address, postcode, city, country, state, metadata, created_at, updated_at)
		SELECT id, $19, $20, $21::date, $22, $23, $24, $25, $26, $27::jsonb, $10, $10 FROM inserted WHERE $26::text IS NOT NULL
	)
	SELECT id FROM inserted`

// InsertUser stores a new user with its phones, profile and labels, all of it or
// nothing, and fills in its ID and UID. Everything is as old as the user. newUID
// is asked again when it hits upon a uid that is there already. A taken e-mail is
// identity.EmailTaken; a validated number that another user has validated is
// identity.PhoneTaken.
func (r *Repository) InsertUser(ctx context.Context, u *identity.User, newUID func() string) error {
	var phones struct {
		countries, numbers []string
		validatedAt        []*time.Time
	}
	for _, p := range u.Phones {
		phones.countries = append(phones.countries, p.Country)
		phones.numbers = append(phones.numbers, p.Number)
		phones.validatedAt = append(phones.validatedAt, p.ValidatedAt)
	}
	var labels struct{ keys, values, scopes []string }
	for _, l := range u.Labels {
		labels.keys = append(labels.keys, l.Key)
		labels.values = append(labels.values, l.Value)
		labels.scopes = append(labels.scopes, l.Scope)
	}
	var profile identity.Profile
	var profileState *string // without one there is no profile
	if u.Profile != nil {
		profile, profileState = *u.Profile, &u.Profile.State
	}
	arguments := []any{
		"", u.Email, identity.FoldEmail(u.Email), u.PasswordDigest, u.Role, u.Level, u.OTP, u.State, u.Data, u.CreatedAt, u.UpdatedAt,
		countSlot(),
		phones.countries, phones.numbers, phones.validatedAt,
		labels.keys, labels.values, labels.scopes,
		profile.FirstName, profile.LastName, profile.DOB, profile.Address, profile.Postcode, profile.City, profile.Country,
		profileState, profile.Metadata,
	}
	for {
		uid := newUID()
		arguments[0] = uid
		var id int64
		err := r.retry(ctx, func() error { return r.db.QueryRow(ctx, insertUser, arguments...).Scan(&id) })
		switch {
		case err == nil:
			u.ID, u.UID = id, uid
			return nil
		case !errors.Is(err, pgx.ErrNoRows):
			return translate(err)
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
