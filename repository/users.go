package repository

import (
	"context"
	"errors"
	"time"

	sq "github.com/Masterminds/squirrel"
	"github.com/jackc/pgx/v5"

	"barong/internal/identity"
)

// userColumns are those of userRow, for a select from users u. The referrer is no
// join: most have none, and a page is cut by reading an index in order, which a
// join that the planner turns round would spoil.
const userColumns = `u.id, u.uid, u.email, u.role, u.level, u.otp, u.state,
	CASE WHEN u.referral_id IS NOT NULL THEN (SELECT referrer.uid FROM users AS referrer WHERE referrer.id = u.referral_id) END AS referral_uid,
	u.data, u.created_at, u.updated_at`

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

// insertUserRow stores nothing where the uid, the e-mail or a validated number is
// taken. A violated constraint would say the same, and the database would write the
// whole e-mail or number into its log.
var insertUserRow = sq.Insert("users").
	Columns("uid", "email", "email_folded", "email_key", "password_digest", "role", "level", "otp", "state", "referral_id", "data", "created_at", "updated_at").
	Select(sq.Select().
		Column("?::text", placeholder("uid")).Column("?::text", placeholder("email")).Column("?::text", foldedEmail).Column("?::text", mailboxKey).
		Column("?::text", placeholder("password digest")).Column("?::text", placeholder("role")).Column("?::integer", placeholder("level")).
		Column("?::boolean", placeholder("otp")).Column("?::text", placeholder("state")).
		Column("(SELECT referrer.id FROM users AS referrer WHERE referrer.uid = ?)", placeholder("referral uid")).
		Column("?::text", placeholder("data")).Column("?::timestamptz", placeholder("created at")).Column("?::timestamptz", placeholder("updated at")).
		Where("NOT EXISTS (SELECT 1 FROM phones WHERE number = ANY(?::text[]) AND validated_at IS NOT NULL)", placeholder("validated numbers")).
		// A user without a key has it as the folded e-mail.
		Where("NOT EXISTS (SELECT 1 FROM users WHERE email_folded = ?)", mailboxKey)).
	Suffix("ON CONFLICT DO NOTHING RETURNING id")

// insertUser stores a user with phones, profile and labels, and counts it. Where
// insertUserRow stores nothing it does nothing at all. The count stands first among
// the parts that follow the user: PostgreSQL runs them from the last to the
// first, and the row of a count is to be locked last.
var insertUser = prepared(psql.Select("id").From("inserted").PrefixExpr(sq.Expr(
	`WITH inserted AS (?), counted AS (?), with_phones AS (?), with_labels AS (?), with_profile AS (?)`,
	insertUserRow,
	sq.Expr(countOne("inserted", "?"), placeholder("slot")),
	insertOfNew("phones", "user_id", "country", "number", "validated_at").
		Select(ofInserted().Column("unnest(?::text[])", placeholder("phone countries")).Column("unnest(?::text[])", placeholder("phone numbers")).
			Column("unnest(?::timestamptz[])", placeholder("phone times"))),
	insertOfNew("labels", "user_id", "key", "value", "scope").
		Select(ofInserted().Column("unnest(?::text[])", placeholder("label keys")).Column("unnest(?::text[])", placeholder("label values")).
			Column("unnest(?::text[])", placeholder("label scopes"))),
	insertOfNew("profiles", "user_id", "first_name", "last_name", "dob", "address", "postcode", "city", "country", "state", "metadata").
		Select(ofInserted().Column("?", placeholder("first name")).Column("?", placeholder("last name")).Column("?::date", placeholder("dob")).
			Column("?", placeholder("address")).Column("?", placeholder("postcode")).Column("?", placeholder("city")).Column("?", placeholder("country")).
			Column("?", placeholder("profile state")).Column("?::jsonb", placeholder("profile metadata")).
			Where("?::text IS NOT NULL", placeholder("profile state"))),
)))

// insertOfNew inserts what belongs to the user whom a statement inserts, and is as
// old; ofInserted begins the select with the columns' values.
func insertOfNew(table string, columns ...string) sq.InsertBuilder {
	return sq.Insert(table).Columns("created_at", "updated_at").Columns(columns...)
}

func ofInserted() sq.SelectBuilder {
	return sq.Select().Column("?::timestamptz", placeholder("created at")).Column("?::timestamptz", placeholder("created at")).
		Column("id").From("inserted")
}

// InsertUser stores a new user with its phones, profile and labels, all of it or
// nothing, and fills in its ID and UID. Everything is as old as the user. newUID
// is asked again when it hits upon a uid that is there already. A referrer who is not
// there is left out. A taken e-mail is identity.EmailTaken; a validated number that another user has validated is
// identity.PhoneTaken.
func (r *Repository) InsertUser(ctx context.Context, u *identity.User, newUID func() string) error {
	var phones struct {
		countries, numbers []string
		validatedAt        []*time.Time
		validated          []string
	}
	for _, p := range u.Phones {
		phones.countries = append(phones.countries, p.Country)
		phones.numbers = append(phones.numbers, p.Number)
		phones.validatedAt = append(phones.validatedAt, p.ValidatedAt)
		if p.ValidatedAt != nil {
			phones.validated = append(phones.validated, p.Number)
		}
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
	given := values{
		"email": u.Email, foldedEmail: identity.FoldEmail(u.Email), mailboxKey: identity.MailboxKey(u.Email), "password digest": u.PasswordDigest, "role": u.Role, "level": u.Level,
		"otp": u.OTP, "state": u.State, "referral uid": u.ReferralUID, "data": u.Data, "created at": u.CreatedAt, "updated at": u.UpdatedAt,
		"slot":            countSlot(),
		"phone countries": phones.countries, "phone numbers": phones.numbers, "phone times": phones.validatedAt,
		"label keys": labels.keys, "label values": labels.values, "label scopes": labels.scopes,
		"first name": profile.FirstName, "last name": profile.LastName, "dob": profile.DOB, "address": profile.Address,
		"postcode": profile.Postcode, "city": profile.City, "country": profile.Country,
		"profile state": profileState, "profile metadata": profile.Metadata,
		"validated numbers": phones.validated,
	}
	for {
		uid := newUID()
		given["uid"] = uid
		var id int64
		err := r.retry(ctx, func() error { return r.db.QueryRow(ctx, insertUser.sql, insertUser.bind(given)...).Scan(&id) })
		switch {
		case err == nil:
			u.ID, u.UID = id, uid
			return nil
		case !errors.Is(err, pgx.ErrNoRows):
			return translate(err)
		}
		if err := r.whatIsTaken(ctx, u.Email, phones.validated); err != nil {
			return err
		}
	}
}

var findTaken = prepared(psql.Select().Column(sq.Expr("EXISTS (?)", selectByEmail())).
	Column("EXISTS (SELECT 1 FROM phones WHERE number = ANY(?::text[]) AND validated_at IS NOT NULL)", placeholder("validated numbers")))

// whatIsTaken is the error of an e-mail or a validated number that somebody has; nil
// where neither is.
func (r *Repository) whatIsTaken(ctx context.Context, email string, numbers []string) error {
	given := emailValues(email)
	given["validated numbers"] = numbers
	var emailTaken, phoneTaken bool
	err := r.db.QueryRow(ctx, findTaken.sql, findTaken.bind(given)...).Scan(&emailTaken, &phoneTaken)
	switch {
	case err != nil:
		return translate(err)
	case emailTaken:
		return identity.Invalid(identity.EmailTaken)
	case phoneTaken:
		return identity.Invalid(identity.PhoneTaken)
	}
	return nil
}

// LockUser finds a user by uid, without relations, and keeps others from
// changing it or its labels until the transaction ends.
func (r *Repository) LockUser(ctx context.Context, uid string) (identity.User, error) {
	row, err := one[userRow](ctx, r, psql.Select(userColumns).From("users AS u").Where(sq.Eq{"u.uid": uid}).Suffix("FOR UPDATE OF u"))
	return row.user(), err
}

// UserKey says which user is meant. It is made by one of the By… functions.
type UserKey struct {
	find   statement // brings all parts of the user
	values values
}

// allParts brings a user whose id is what one selects. LATERAL hands the id to the
// parts as a value; a subselect in each of them would be set up five times.
func allParts(one sq.SelectBuilder) statement {
	return prepared(psql.Select("part.*").FromSelect(one, "found").JoinClause("CROSS JOIN LATERAL (\n" +
		selectParts("= found.id", selectUserPart, selectProfilePart, selectPhonePart, selectLabelPart, selectDocumentPart) + ") AS part"))
}

var (
	findByUID   = allParts(sq.Select("id").From("users").Where("uid = ?", placeholder("uid")))
	findByEmail = allParts(selectByEmail())
	findByPhone = allParts(sq.Select("user_id AS id").From("phones").Where("number = ?", placeholder("number")).
			OrderBy("(validated_at IS NULL)", "id").Suffix("LIMIT 1"))
)

// ByUID means the user with this uid.
func ByUID(uid string) UserKey { return UserKey{findByUID, values{"uid": uid}} }

// ByEmail means the user with this e-mail, in whatever spelling.
func ByEmail(email string) UserKey { return UserKey{findByEmail, emailValues(email)} }

// ByPhone means the user with this number, in E.164 digits: the one who has
// validated it, before anybody who only claims it.
func ByPhone(number string) UserKey { return UserKey{findByPhone, values{"number": number}} }

// FindUser returns a user with profile, labels, phones and documents: one
// statement, one snapshot, one round trip.
func (r *Repository) FindUser(ctx context.Context, key UserKey) (user identity.User, err error) {
	rows, err := r.db.Query(ctx, key.find.sql, key.find.bind(key.values)...)
	if err != nil {
		return user, translate(err)
	}
	if err := collectParts(rows, func(int64) *identity.User { return &user }); err != nil {
		return user, translate(err)
	}
	if user.ID == 0 {
		return user, identity.ErrRecordNotFound
	}
	return user, nil
}

// UserExists is identity.ErrRecordNotFound where nobody has this uid.
func (r *Repository) UserExists(ctx context.Context, uid string) error {
	var id int64
	return translate(r.db.QueryRow(ctx, "SELECT id FROM users WHERE uid = $1", uid).Scan(&id))
}

// ofUser is the condition that a row belongs to the user with this uid.
func ofUser(uid string) sq.Sqlizer {
	return sq.Expr("user_id = (SELECT id FROM users WHERE uid = ?)", uid)
}
