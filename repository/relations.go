package repository

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"barong/internal/identity"
)

// The kinds of parts: which table one is a row of.
const (
	userPart = iota + 1
	profilePart
	phonePart
	labelPart
	documentPart
)

// part is a row of a statement that brings a user and all that hangs on it: rows
// of several tables under columns that they share. One statement so costs the
// server and the database less than one for each table in a pipeline, and less
// than JSON or arrays, which would have to be made and taken apart
// (docs/performance.md). What a column holds depends on the kind: the methods
// below and the selects go together.
type part struct {
	kind                   int32
	userID, id             int64
	a, b, c, d, e, f, g, h *string
	bytes                  []byte
	number                 *int64
	flag                   *bool
	day, at                *time.Time
	createdAt, updatedAt   *time.Time
}

// targets are the fields in the order in which the selects have the columns.
func (p *part) targets() []any {
	return []any{
		&p.kind, &p.userID, &p.id, &p.a, &p.b, &p.c, &p.d, &p.e, &p.f, &p.g, &p.h,
		&p.bytes, &p.number, &p.flag, &p.day, &p.at, &p.createdAt, &p.updatedAt,
	}
}

// The selects of the parts. {user} is the condition on the column that holds the
// user's id.
const (
	selectUserPart = `SELECT 1 AS kind, id AS user_id, id, uid AS a, email AS b, role AS c, state AS d, data AS e,
		(SELECT uid FROM users AS referrer WHERE referrer.id = users.referral_id) AS f, NULL::text AS g, NULL::text AS h,
		NULL::bytea AS bytes, level::bigint AS number, otp AS flag, NULL::date AS day, NULL::timestamptz AS at, created_at, updated_at
		FROM users WHERE id {user}`
	selectProfilePart = `SELECT 2, user_id, user_id, first_name, last_name, address, postcode, city, country, state, metadata::text,
		NULL::bytea, NULL::bigint, NULL::boolean, dob, NULL::timestamptz, created_at, updated_at
		FROM profiles WHERE user_id {user}`
	selectPhonePart = `SELECT 3, user_id, id, country, number, NULL::text, NULL::text, NULL::text, NULL::text, NULL::text, NULL::text,
		NULL::bytea, NULL::bigint, NULL::boolean, NULL::date, validated_at, created_at, updated_at
		FROM phones WHERE user_id {user}`
	selectLabelPart = `SELECT 4, user_id, id, key, value, scope, NULL::text, NULL::text, NULL::text, NULL::text, NULL::text,
		NULL::bytea, NULL::bigint, NULL::boolean, NULL::date, NULL::timestamptz, created_at, updated_at
		FROM labels WHERE user_id {user}`
	selectDocumentPart = `SELECT 5, user_id, id, doc_type, doc_number, metadata, filename, content_type, object, NULL::text, NULL::text,
		wrapped_key, size, NULL::boolean, doc_expire, NULL::timestamptz, created_at, updated_at
		FROM documents WHERE user_id {user}`
)

// selectParts joins selects of parts into one statement, for the users that
// condition says of a column.
func selectParts(condition string, selects ...string) string {
	return strings.ReplaceAll(strings.Join(selects, "\nUNION ALL\n"), "{user}", condition)
}

// give hands the part to its user.
func (p *part) give(user *identity.User) {
	switch p.kind {
	case userPart:
		user.ID, user.UID, user.Email, user.Role, user.State = p.userID, *p.a, *p.b, *p.c, *p.d
		user.Data, user.ReferralUID = p.e, p.f
		user.Level, user.OTP, user.CreatedAt, user.UpdatedAt = int(*p.number), *p.flag, *p.createdAt, *p.updatedAt
	case profilePart:
		user.Profile = &identity.Profile{
			FirstName: p.a, LastName: p.b, Address: p.c, Postcode: p.d, City: p.e, Country: p.f, State: *p.g, Metadata: jsonText(p.h), DOB: p.day,
		}
	case phonePart:
		user.Phones = append(user.Phones, identity.Phone{Country: *p.a, Number: *p.b, ValidatedAt: p.at})
	case labelPart:
		user.Labels = append(user.Labels, identity.Label{Key: *p.a, Value: *p.b, Scope: *p.c, CreatedAt: *p.createdAt, UpdatedAt: *p.updatedAt})
	case documentPart:
		user.Documents = append(user.Documents, identity.Document{
			Type: *p.a, Number: *p.b, Metadata: p.c, Filename: *p.d, ContentType: *p.e, Object: *p.f, Key: p.bytes, Size: *p.number, Expire: p.day,
			CreatedAt: *p.createdAt, UpdatedAt: *p.updatedAt,
		})
	}
}

// jsonText is nil for NULL.
func jsonText(s *string) []byte {
	if s == nil {
		return nil
	}
	return []byte(*s)
}

// collectParts hands every row to the user that find knows for its id, in the order
// in which the rows were stored; nil where nobody wants it. To sort a handful of
// rows here costs nothing; three sorts in the statement are a tenth of it.
func collectParts(rows pgx.Rows, find func(id int64) *identity.User) error {
	var p part
	parts := make([]part, 0, 8)
	if _, err := pgx.ForEachRow(rows, p.targets(), func() error {
		parts = append(parts, p)
		return nil
	}); err != nil {
		return err
	}
	slices.SortFunc(parts, func(a, b part) int { return cmp.Compare(a.id, b.id) })
	for i := range parts {
		if user := find(parts[i].userID); user != nil {
			parts[i].give(user)
		}
	}
	return nil
}

var partsOfMany = selectParts("= ANY($1)", selectProfilePart, selectPhonePart, selectLabelPart)

// LoadRelations fills in profile, phones and labels of the users, in one round
// trip whatever their number.
func (r *Repository) LoadRelations(ctx context.Context, users []identity.User) error {
	ids := make([]int64, len(users))
	byID := make(map[int64]*identity.User, len(users))
	for i := range users {
		ids[i] = users[i].ID
		byID[users[i].ID] = &users[i]
	}
	rows, err := r.db.Query(ctx, partsOfMany, ids)
	if err != nil {
		return translate(err)
	}
	return translate(collectParts(rows, func(id int64) *identity.User { return byID[id] }))
}
