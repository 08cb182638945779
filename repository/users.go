package repository

import (
	"context"

	sq "github.com/Masterminds/squirrel"

	"barong/internal/identity"
)

// isUser is the condition that a row of users, under an alias, has a uid.
func isUser(alias string) sq.Sqlizer { return sq.Eq{alias + "." + usersTable.uid: arg("uid")} }

// ofUser is the condition that a row of another table belongs to the user with a uid.
var ofUser = equalsSubselect(labelsTable.userID, sq.Select(usersTable.id).From(usersTable.name).Where(usersTable.uid+" = ?", arg("uid")))

var (
	lockUser = compile(selectUsers().From(aliased(usersTable.name, "u")).Where(isUser("u")).Suffix(forUpdate))

	findID = compile(sq.Select(usersTable.id).From(usersTable.name).Where(isUser(usersTable.name)))
)

// LockUser finds a user by uid, without relations. Until the transaction ends, no other transaction
// can change the user or its labels.
func (r *Repository) LockUser(ctx context.Context, uid string) (identity.User, error) {
	return one(ctx, r, lockUser, args{"uid": uid}, userTargets)
}

// UserKey identifies a user. The By… functions make it.
type UserKey struct {
	find statement // returns the user with all relations
	args args
}

// findUser is the statement that returns the user for a condition on u.
func findUser(condition sq.Sqlizer) statement {
	return compile(withRelations(selectUsers()).From(aliased(usersTable.name, "u")).Where(condition))
}

var (
	findByUID   = findUser(isUser("u"))
	findByEmail = findUser(equalsSubselect("u."+usersTable.id, selectByEmail()))
	findByPhone = findUser(equalsSubselect("u."+usersTable.id, sq.Select(phonesTable.userID).From(phonesTable.name).
			Where(phonesTable.number+" = ?", arg("number")).OrderBy("("+phonesTable.validatedAt+" IS NULL)", phonesTable.id).Limit(1)))
)

// ByUID identifies the user with this uid.
func ByUID(uid string) UserKey { return UserKey{findByUID, args{"uid": uid}} }

// ByEmail identifies the user with this e-mail, in any spelling.
func ByEmail(email string) UserKey { return UserKey{findByEmail, emailArgs(email)} }

// ByPhone identifies the user with this number, in E.164 digits. The user who has validated it
// comes before users who have not.
func ByPhone(number string) UserKey { return UserKey{findByPhone, args{"number": number}} }

// FindUser returns a user with profile, labels, phones and documents: one statement, one snapshot,
// one round trip.
func (r *Repository) FindUser(ctx context.Context, key UserKey) (identity.User, error) {
	found, err := one(ctx, r, key.find, key.args, (*relatedUser).targets)
	return found.related(), err
}

// UserExists returns identity.ErrRecordNotFound where no user has this uid, and ErrKeySpent where a key of
// the record is spent.
func (r *Repository) UserExists(ctx context.Context, uid string) error {
	_, err := firstQuestion(ctx, r, findID, args{"uid": uid}, single[int64])
	return err
}
