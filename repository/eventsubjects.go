package repository

import (
	"context"

	sq "github.com/Masterminds/squirrel"

	"barong/internal/identity"
)

// What the messages of events tell beyond the journal, as it is now.
var (
	eventUserColumns = userColumns.only(usersTable.uid, usersTable.email, usersTable.role, usersTable.level, usersTable.otp, usersTable.state,
		usersTable.createdAt, usersTable.updatedAt)

	selectEventUsers = compile(sq.Select(qualified("u", eventUserColumns.names()...)...).Columns("r." + usersTable.uid).
				From(aliased(usersTable.name, "u")).
				LeftJoin(aliased(usersTable.name, "r") + " ON r." + usersTable.id + " = u." + usersTable.referralID).
				Where(anyOf("u."+usersTable.uid, "text", arg("uids"))))

	findEventProfile = compile(unionAll(profileNumbered(profilesTable.name), profileNumbered(formerProfilesTable.name)))

	findEventDocument = compile(sq.Select(documentColumns.names()...).From(documentsTable.name).Where(documentsTable.id+" = ?", arg("id")))
)

func profileNumbered(table string) sq.SelectBuilder {
	return sq.Select(profileColumns.names()...).From(table).Where(ofUser).Where(profilesTable.number+" = ?", arg("number"))
}

// EventUsers returns those of the users with these uids that there are: all that a message tells of a
// user, which is neither data nor relations.
func (r *Repository) EventUsers(ctx context.Context, uids []string) ([]identity.User, error) {
	return all(ctx, r, selectEventUsers, args{"uids": uids}, func(u *identity.User) []any {
		return append(eventUserColumns.targets(u), &u.ReferralUID)
	})
}

// EventProfile returns the profile of a user with a number, identity.ErrRecordNotFound without one.
func (r *Repository) EventProfile(ctx context.Context, uid string, number int) (identity.Profile, error) {
	return one(ctx, r, findEventProfile, args{"uid": uid, "number": number}, profileColumns.targets)
}

// EventDocument returns the document with an id, identity.ErrRecordNotFound without one.
func (r *Repository) EventDocument(ctx context.Context, id int64) (identity.Document, error) {
	return one(ctx, r, findEventDocument, args{"id": id}, documentColumns.targets)
}
