package repository

import (
	"context"
	"time"

	sq "github.com/Masterminds/squirrel"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"barong/internal/identity"
)

const (
	phoneNumber  = arg("number")
	phoneNumbers = arg("numbers")
)

var (
	selectPhones = compile(sq.Select().
			Column(recordsOf(phonesTable.name, phonesTable.userID, phonesTable.id, phoneColumns)).
			From(aliased(usersTable.name, "u")).Where(isUser("u")))

	validatedPhone = sq.Select("1").From(phonesTable.name).Where(phonesTable.number+" = ?", phoneNumber).Where(phonesTable.validatedAt + " IS NOT NULL")

	phonesOfUser = sq.Select("count(*)").From(phonesTable.name).Where(ofUser)

	// insertPhone stores nothing where somebody has validated the number, the user has it already,
	// or has too many. It does not rely on a constraint violation for this: Postgres would write the
	// number to its log. Between users the unique index on validated numbers decides, between
	// requests for one user the lock of the user's row.
	insertPhone = recordedWrite(sq.Insert(phonesTable.name).Columns(phonesTable.userID).Columns(storedPhoneColumns.names()...).
			Select(storedPhoneColumns.selectArgs(sq.Select("u."+usersTable.id)).From(aliased(usersTable.name, "u")).Where(isUser("u")).
				Where(notExists(validatedPhone)).
				Where(notExists(sq.Select("1").From(phonesTable.name).Where(ofUser).Where(phonesTable.number+" = ?", phoneNumber))).
				Where(sq.Expr("(?) < ?", phonesOfUser, identity.MaxPhones))).
			Suffix(onConflictDoNothing()).Suffix(returning(phonesTable.id)),
		typed("uid", "text"), jsonObject("account", accountBefore, "phone", jsonObject("id", sq.Expr("written."+phonesTable.id))), addedPhoneAnswer)

	findPhoneConflict = compile(sq.Select().Column(exists(validatedPhone)).
				Column(exists(sq.Select("1").From(phonesTable.name).Where(ofUser).Where(phonesTable.number+" = ?", phoneNumber))).
				Column(sq.Expr("(?) >= ?", phonesOfUser, identity.MaxPhones)))

	// deletePhone returns the validated one of the rows that it deletes or, without one, the oldest.
	deletePhone = newRecorded(func(as recording) sq.Sqlizer {
		shown := sq.Select(phonesTable.id).Columns(phoneColumns.names()...).From("deleted").
			OrderBy("("+phonesTable.validatedAt+" IS NULL)", phonesTable.id).Limit(1)
		parts := append([]cte{{"deleted", deleteSpelling}, {"shown", shown}}, as.parts("shown", typed("uid", "text"), deletedPhone, deletedPhoneAnswer)...)
		return sq.Select(phoneColumns.names()...).From("shown").PrefixExpr(with(parts...))
	})

	// deleteSpelling deletes the rows with one of several spellings: with the first one that the user
	// has.
	deleteSpelling = sq.Delete(phonesTable.name).Where(ofUser).
			Where(equalsSubselect(phonesTable.number, sq.Select(phonesTable.number).From(phonesTable.name).Where(ofUser).
				Where(anyOf(phonesTable.number, "text", phoneNumbers)).
				OrderByClause("array_position(?::text[], "+phonesTable.number+")", phoneNumbers).Limit(1))).
			Suffix(returning(append([]string{phonesTable.id}, phoneColumns.names()...)...))

	deletedPhone = jsonObject("account", accountBefore, "phone", jsonObject("id", sq.Expr("shown."+phonesTable.id), "deleted", sq.Expr("true")))

	// addedPhoneAnswer and deletedPhoneAnswer are a PhoneAnswer.
	addedPhoneAnswer = utf8Of(jsonObject("country", typed(storedPhoneColumns.arg(phonesTable.country), "text"),
		"validated_at", typed(storedPhoneColumns.arg(phonesTable.validatedAt), "timestamptz")))
	deletedPhoneAnswer = utf8Of(jsonObject(
		"spelling", sq.Expr("array_position(?::text[], shown."+phonesTable.number+") - 1", phoneNumbers),
		"country", sq.Expr("shown."+phonesTable.country), "validated_at", sq.Expr("shown."+phonesTable.validatedAt)))
)

// PhoneAnswer is the answer of a write of a phone. The number is not in it: it is the one that was given.
type PhoneAnswer struct {
	Spelling    int        `json:"spelling"` // of a deletion: index in the numbers of DeletePhone
	Country     string     `json:"country"`
	ValidatedAt *time.Time `json:"validated_at"`
}

// storedPhones holds all phones of a user.
type storedPhones struct{ records[identity.Phone] }

func (p *storedPhones) targets() []any {
	p.columns = phoneColumns
	return []any{&p.records}
}

// Phones returns all phones of a user, oldest first. An unknown user is identity.ErrRecordNotFound.
func (r *Repository) Phones(ctx context.Context, uid string) ([]identity.Phone, error) {
	found, err := one(ctx, r, selectPhones, args{"uid": uid}, (*storedPhones).targets)
	return found.list, err
}

// InsertPhone adds a validated number to a user. An unknown user is identity.ErrRecordNotFound; a
// number that cannot be added is the error of identity.PhoneConflict.
func (r *Repository) InsertPhone(ctx context.Context, uid string, p identity.Phone) error {
	given := args{"uid": uid, phoneNumber: p.Number}
	storedPhoneColumns.bind(given, &p)
	for {
		known, stored := false, false
		var conflict identity.PhoneConflict
		err := translate(r.retry(ctx, func() error {
			batch := &pgx.Batch{}
			queueLock(batch, given, &known)
			r.queueRepetition(batch)
			r.queueWrite(batch, insertPhone, given).Exec(func(tag pgconn.CommandTag) error {
				stored = tag.RowsAffected() == 1
				return nil
			})
			batch.Queue(findPhoneConflict.sql, findPhoneConflict.bind(given)...).QueryRow(func(row pgx.Row) error {
				return row.Scan(&conflict.Validated, &conflict.Owned, &conflict.Full)
			})
			return r.db.SendBatch(ctx, batch).Close()
		}))
		switch {
		case err != nil || stored:
			return err
		case !known:
			return identity.ErrRecordNotFound
		}
		// Without a conflict another user has given the number up meanwhile.
		if err := conflict.Err(); err != nil {
			return err
		}
	}
}

// DeletePhone deletes all phones of a user with the first of these numbers that the user has, and
// returns the validated one or, without one, the oldest. An unknown user is
// identity.ErrRecordNotFound; found is false where the user has none of the numbers.
func (r *Repository) DeletePhone(ctx context.Context, uid string, numbers []string) (phone identity.Phone, found bool, err error) {
	known := false
	given := args{"uid": uid, phoneNumbers: numbers}
	var deleted []identity.Phone
	err = translate(r.retry(ctx, func() error {
		batch := &pgx.Batch{}
		queueLock(batch, given, &known)
		r.queueRepetition(batch)
		r.queueWrite(batch, deletePhone, given).Query(func(rows pgx.Rows) (err error) {
			deleted, err = collect(rows, phoneColumns.targets)
			return err
		})
		return r.db.SendBatch(ctx, batch).Close()
	}))
	switch {
	case err != nil:
		return phone, false, err
	case !known:
		return phone, false, identity.ErrRecordNotFound
	case len(deleted) == 0:
		return phone, false, nil
	}
	return deleted[0], true, nil
}
