package repository

import (
	"context"
	"errors"

	sq "github.com/Masterminds/squirrel"

	"barong/internal/identity"
	"barong/internal/problem"
)

const (
	validatedNumbers = arg("validated numbers")
	countSlotArg     = arg("slot")
	referralUID      = arg("referral uid")
	profileGiven     = arg("profile given")
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
	insertUser = compile(sq.Select(usersTable.id).From("inserted").PrefixExpr(with(
		cte{"inserted", insertUserRow},
		cte{"counted", countOne("inserted", countSlotArg)},
		cte{"with_phones", insertOfNew(phonesTable.name, phonesTable.createdAt, phonesTable.updatedAt, phonesTable.userID, phoneColumns.names(),
			phoneColumns.selectArrays(ofInserted()))},
		cte{"with_labels", insertOfNew(labelsTable.name, labelsTable.createdAt, labelsTable.updatedAt, labelsTable.userID, givenLabelColumns.names(),
			givenLabelColumns.selectArrays(ofInserted()))},
		cte{"with_profile", insertOfNew(profilesTable.name, profilesTable.createdAt, profilesTable.updatedAt, profilesTable.userID, givenProfileColumns.names(),
			givenProfileColumns.selectArgs(ofInserted()).Where("?::boolean", profileGiven))},
	)))

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
// exists already. A referrer that does not exist is left out. A taken e-mail is
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
	given := args{countSlotArg: countSlot(), referralUID: u.ReferralUID, profileGiven: len(u.Profiles) > 0, validatedNumbers: validated}
	givenUserColumns.bind(given, u)
	phoneColumns.bindArrays(given, u.Phones)
	givenLabelColumns.bindArrays(given, u.Labels)
	givenProfileColumns.bind(given, profile)
	for {
		uid := newUID()
		given[userUID] = uid
		var id int64
		err := r.retry(ctx, func() (err error) {
			id, err = one(ctx, r, insertUser, given, single[int64])
			return err
		})
		switch {
		case err == nil:
			u.ID, u.UID = id, uid
			return nil
		case !errors.Is(err, identity.ErrRecordNotFound):
			return err
		}
		if err := r.whatIsTaken(ctx, u.Email, validated); err != nil {
			return err
		}
	}
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
