package repository

import (
	"context"
	"slices"

	sq "github.com/Masterminds/squirrel"
	"github.com/jackc/pgx/v5"

	"barong/internal/identity"
	"barong/internal/problem"
)

const (
	validatedNumbers = arg("validated numbers")
	countSlotArg     = arg("slot")
	referralUID      = arg("referral uid")
	profileGiven     = arg("profile given")
	fieldsGiven      = arg("fields given")
)

var (
	userUID       = userColumns.arg(usersTable.uid)
	userCreatedAt = userColumns.arg(usersTable.createdAt)

	// givenUserColumns are all columns of a new user except the id and the referrer.
	givenUserColumns = storedUserColumns[1:]

	validatedPhones = sq.Select("1").From(phonesTable.name).
			Where(anyOf(phonesTable.number, "text", validatedNumbers)).Where(phonesTable.validatedAt + " IS NOT NULL")

	// insertUserRow stores nothing where a user or a service account has the uid or the e-mail, or
	// a user the validated number. It
	// does not rely on a constraint violation for this: Postgres would write the complete e-mail or
	// number to its log.
	insertUserRow = sq.Insert(usersTable.name).
			Columns(givenUserColumns.names()...).Columns(usersTable.referralID).
			Select(givenUserColumns.selectArgs(sq.Select()).
				Column(subselect(sq.Select("referrer."+usersTable.id).From(aliased(usersTable.name, "referrer")).
					Where("referrer."+usersTable.uid+" = ?", referralUID))).
				Where(notExists(validatedPhones)).Where(notExists(accountsWithEmail())).Where(notExists(accountsWithUID(userUID))).
			// A user without a key has it as the folded e-mail.
			Where(notExists(sq.Select("1").From(usersTable.name).Where(usersTable.emailFolded+" = ?", mailboxKey)))).
		Suffix(onConflictDoNothing()).Suffix(returning(usersTable.id))

	// insertUser stores a user with phones, profile and labels, and counts it. Where insertUserRow
	// stores nothing, the other parts do nothing either. The count is the first of the parts that
	// depend on the user: PostgreSQL executes them from last to first, and the row of the count
	// must be locked last.
	insertUser = newRecorded(func(as recording) sq.Sqlizer {
		parts := append(slices.Clone(partsOfNewUser), as.parts("inserted", typed(userUID, "text"), createdUser, answerOfKeys)...)
		return sq.Select(usersTable.id).From("inserted").PrefixExpr(with(parts...))
	})

	partsOfNewUser = []cte{
		{"inserted", insertUserRow},
		{"counted", countOne("inserted", countSlotArg)},
		{"with_phones", insertOfNew(phonesTable.name, phonesTable.createdAt, phonesTable.updatedAt, phonesTable.userID, phoneColumns.names(),
			phoneColumns.selectArrays(ofInserted())).Suffix(returning(phonesTable.id))},
		{"with_labels", insertOfNew(labelsTable.name, labelsTable.createdAt, labelsTable.updatedAt, labelsTable.userID, givenLabelColumns.names(),
			givenLabelColumns.selectArrays(ofInserted())).Suffix(returning(labelsTable.id, labelsTable.key, labelsTable.value, labelsTable.scope))},
		{"with_profile", insertOfNew(profilesTable.name, profilesTable.createdAt, profilesTable.updatedAt, profilesTable.userID, givenProfileColumns.names(),
			givenProfileColumns.selectArgs(ofInserted()).Where("?::boolean", profileGiven)).Suffix(returning(profilesTable.number, profilesTable.review))},
	}

	// createdUser is the journal.Changes of the new user. An imported user has at most one phone.
	createdUser = jsonObject(
		"account", jsonObject("level", typed(userColumns.arg(usersTable.level), "integer"), "state", typed(userColumns.arg(usersTable.state), "text"),
			"role", typed(userColumns.arg(usersTable.role), "text"), "otp", typed(userColumns.arg(usersTable.otp), "boolean")),
		"created", sq.Expr("true"),
		"fields", jsonOf(fieldsGiven, "text"),
		"labels", subselect(sq.Select().Column(jsonArrayOf(jsonObject("id", sq.Expr(labelsTable.id), "key", sq.Expr(labelsTable.key),
			"scope", sq.Expr(labelsTable.scope), "old", sq.Expr("NULL"), "new", sq.Expr(labelsTable.value)), labelsTable.id)).From("with_labels")),
		"profile", subselect(sq.Select().Column(jsonObject("number", sq.Expr(profilesTable.number), "state", sq.Expr(profilesTable.review))).From("with_profile")),
		"phone", subselect(sq.Select().Column(jsonObject("id", sq.Expr(phonesTable.id))).From("with_phones").OrderBy(phonesTable.id).Limit(1)),
	)

	findTaken = compile(sq.Select().Column(emailTaken()).Column(exists(validatedPhones)))
)

// insertOfNew inserts rows that belong to the inserted user and have its created_at. ofInserted
// begins the select of the columns' values.
func insertOfNew(table, createdAt, updatedAt, owner string, columns []string, values sq.SelectBuilder) sq.InsertBuilder {
	return sq.Insert(table).Columns(createdAt, updatedAt, owner).Columns(columns...).Select(values)
}

func ofInserted() sq.SelectBuilder {
	created := typed(userCreatedAt, "timestamptz")
	return sq.Select().Column(created).Column(created).Column(usersTable.id).From("inserted")
}

// InsertUser stores a new user with its phones, first profile and labels in one transaction, and fills in
// its ID and UID. All rows have the creation time of the user. newUID is called again when its uid
// exists already; answers of the record's keys may be sealed by then. A referrer that does not exist is left out. A taken e-mail is
// identity.EmailTaken; a validated number that another user has validated is identity.PhoneTaken.
func (r *Repository) InsertUser(ctx context.Context, u *identity.User, newUID func() string) error {
	var validated []string
	for _, p := range u.Phones {
		if p.ValidatedAt != nil {
			validated = append(validated, p.Number)
		}
	}
	profile := &identity.Profile{}
	if len(u.Profiles) > 0 {
		profile = &u.Profiles[0]
	}
	given := args{countSlotArg: countSlot(), referralUID: u.ReferralUID, profileGiven: len(u.Profiles) > 0, validatedNumbers: validated, fieldsGiven: fieldsOf(u)}
	givenUserColumns.bind(given, u)
	phoneColumns.bindArrays(given, u.Phones)
	givenLabelColumns.bindArrays(given, u.Labels)
	givenProfileColumns.bind(given, profile)
	for {
		uid := newUID()
		given[userUID] = uid
		var ids []int64
		err := translate(r.retry(ctx, func() error {
			batch := &pgx.Batch{}
			r.queueRepetition(batch)
			r.queueWrite(batch, insertUser, given).Query(func(rows pgx.Rows) (err error) {
				ids, err = collect(rows, single[int64])
				return err
			})
			return r.db.SendBatch(ctx, batch).Close()
		}))
		switch {
		case err != nil:
			return err
		case len(ids) > 0:
			u.ID, u.UID = ids[0], uid
			return nil
		}
		if err := r.whatIsTaken(ctx, u.Email, validated); err != nil {
			return err
		}
	}
}

// fieldsOf returns the names of the values that a new user has besides its account.
func fieldsOf(u *identity.User) []string {
	fields := []string{usersTable.email, "password"}
	if u.ReferralUID != nil {
		fields = append(fields, "referral_uid")
	}
	if u.Data != nil {
		fields = append(fields, usersTable.data)
	}
	return fields
}

// taken says which of a user's unique values another user has.
type taken struct{ email, phone bool }

func (t *taken) targets() []any { return []any{&t.email, &t.phone} }

// whatIsTaken returns the error for an e-mail or a validated number that another user has, and nil
// where both are free.
func (r *Repository) whatIsTaken(ctx context.Context, email string, numbers []string) error {
	given := emailArgs(email)
	given[validatedNumbers] = numbers
	found, err := one(ctx, r, findTaken, given, (*taken).targets)
	switch {
	case err != nil:
		return err
	case found.email:
		return problem.Invalid(identity.EmailTaken)
	case found.phone:
		return problem.Invalid(identity.PhoneTaken)
	}
	return nil
}
