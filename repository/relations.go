package repository

import (
	"context"

	sq "github.com/Masterminds/squirrel"

	"barong/internal/identity"
)

// relatedUser is a user with relations. Each relation is an array of records in the
// user's row: one statement brings everything, one row a user.
type relatedUser struct {
	user      identity.User
	profiles  records[identity.Profile] // one at most
	phones    records[identity.Phone]
	labels    records[identity.Label]
	documents records[identity.Document]
}

func (u *relatedUser) setColumns() {
	u.profiles.columns, u.phones.columns, u.labels.columns, u.documents.columns = profileColumns, phoneColumns, labelColumns, documentColumns
}

// withRelations adds profile, phones and labels of the user whose id an expression is.
func withRelations(users sq.SelectBuilder, user string) sq.SelectBuilder {
	return withProfile(users, user).
		Column(arrayOfRecords(phonesTable.name, phonesTable.userID, phonesTable.id, user, phoneColumns.names())).
		Column(arrayOfRecords(labelsTable.name, labelsTable.userID, labelsTable.id, user, labelColumns.names()))
}

func withProfile(users sq.SelectBuilder, user string) sq.SelectBuilder {
	return users.Column(arrayOfRecords(profilesTable.name, profilesTable.userID, profilesTable.userID, user, profileColumns.names()))
}

func withDocuments(users sq.SelectBuilder, user string) sq.SelectBuilder {
	return users.Column(arrayOfRecords(documentsTable.name, documentsTable.userID, documentsTable.id, user, documentColumns.names()))
}

// relations are the targets of withRelations.
func (u *relatedUser) relations() []any {
	u.setColumns()
	return []any{&u.profiles, &u.phones, &u.labels}
}

// targets are those of a user with all relations.
func (u *relatedUser) targets() []any {
	return append(append(userTargets(&u.user), u.relations()...), &u.documents)
}

// withProfileTargets are those of a user with the profile alone.
func (u *relatedUser) withProfileTargets() []any {
	u.setColumns()
	return append(userTargets(&u.user), &u.profiles)
}

// assign hands the relations to a user.
func (u *relatedUser) assign(to *identity.User) {
	to.Profile = nil
	if len(u.profiles.list) > 0 {
		to.Profile = &u.profiles.list[0]
	}
	to.Phones, to.Labels, to.Documents = u.phones.list, u.labels.list, u.documents.list
}

// related is the user with the relations that were read.
func (u *relatedUser) related() identity.User {
	u.assign(&u.user)
	return u.user
}

// identified is a user of whom the id and the relations are selected.
func (u *relatedUser) identified() []any { return append([]any{&u.user.ID}, u.relations()...) }

var selectRelations = compile(withRelations(sq.Select("given.owner"), "given.owner").
	FromSelect(sq.Select().Column(sq.Alias(unnested("ids", "int8"), "owner")), "given"))

// LoadRelations fills in profile, phones and labels of the users, in one round
// trip whatever their number.
func (r *Repository) LoadRelations(ctx context.Context, users []identity.User) error {
	ids := make([]int64, len(users))
	byID := make(map[int64]*identity.User, len(users))
	for i := range users {
		ids[i] = users[i].ID
		byID[users[i].ID] = &users[i]
	}
	return each(ctx, r, selectRelations, args{"ids": ids}, (*relatedUser).identified, func(found *relatedUser) error {
		found.assign(byID[found.user.ID])
		return nil
	})
}
