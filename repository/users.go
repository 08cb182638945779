package repository

import (
	"context"

	sq "github.com/Masterminds/squirrel"

	"barong/internal/identity"
)

// isUser is the condition that a row of users, under an alias, is that of a uid.
func isUser(alias string) sq.Sqlizer { return sq.Eq{alias + "." + usersTable.uid: arg("uid")} }

// ofUser is the condition that a row of another table belongs to the user with a uid.
var ofUser = equalsSubselect(labelsTable.userID, sq.Select(usersTable.id).From(usersTable.name).Where(usersTable.uid+" = ?", arg("uid")))

var (
	lockUser = compile(selectUsers().From(aliased(usersTable.name, "u")).Where(isUser("u")).Suffix(forUpdate))

	findID = compile(sq.Select(usersTable.id).From(usersTable.name).Where(isUser(usersTable.name)))
)

// LockUser finds a user by uid, without relations, and keeps others from
// changing it or its labels until the transaction ends.
func (r *Repository) LockUser(ctx context.Context, uid string) (identity.User, error) {
	return one(ctx, r, lockUser, args{"uid": uid}, userTargets)
}

// UserKey says which user is meant. It is made by one of the By… functions.
type UserKey struct {
	find statement // brings the user with all relations
	args args
}

// findUser is the statement that brings the user whom a condition on u means.
func findUser(condition sq.Sqlizer) statement {
	return compile(withRelations(selectUsers()).From(aliased(usersTable.name, "u")).Where(condition))
}

var (
	findByUID   = findUser(isUser("u"))
	findByEmail = findUser(equalsSubselect("u."+usersTable.id, selectByEmail()))
	findByPhone = findUser(equalsSubselect("u."+usersTable.id, sq.Select(phonesTable.userID).From(phonesTable.name).
			Where(phonesTable.number+" = ?", arg("number")).OrderBy("("+phonesTable.validatedAt+" IS NULL)", phonesTable.id).Limit(1)))
)

// ByUID means the user with this uid.
func ByUID(uid string) UserKey { return UserKey{findByUID, args{"uid": uid}} }

// ByEmail means the user with this e-mail, in whatever spelling.
func ByEmail(email string) UserKey { return UserKey{findByEmail, emailArgs(email)} }

// ByPhone means the user with this number, in E.164 digits: the one who has
// validated it, before anybody who only claims it.
func ByPhone(number string) UserKey { return UserKey{findByPhone, args{"number": number}} }

// FindUser returns a user with profile, labels, phones and documents: one
// statement, one snapshot, one round trip.
func (r *Repository) FindUser(ctx context.Context, key UserKey) (identity.User, error) {
	found, err := one(ctx, r, key.find, key.args, (*relatedUser).targets)
	return found.related(), err
}

// UserExists is identity.ErrRecordNotFound where nobody has this uid.
func (r *Repository) UserExists(ctx context.Context, uid string) error {
	_, err := one(ctx, r, findID, args{"uid": uid}, single[int64])
	return err
}
