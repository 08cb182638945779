package repository

import (
	"context"

	sq "github.com/Masterminds/squirrel"
	"github.com/jackc/pgx/v5"

	"barong/internal/identity"
)

// relatedUser is one user with its relations. Each relation is an array of records in the user's
// row, so one statement returns one row. For a page of users, three statements in a batch take two
// thirds of the time: LoadRelations.
type relatedUser struct {
	user      identity.User
	profiles  records[identity.Profile] // the current one
	former    records[identity.Profile]
	phones    records[identity.Phone]
	labels    records[identity.Label]
	documents records[identity.Document]
}

// withProfiles adds the profiles to a select of users u; withRelations adds all relations.
func withProfiles(users sq.SelectBuilder) sq.SelectBuilder {
	return users.Column(recordsOf(profilesTable.name, profilesTable.userID, profilesTable.userID, profileColumns)).
		Column(recordsOf(formerProfilesTable.name, formerProfilesTable.userID, formerProfilesTable.number, profileColumns))
}

func withRelations(users sq.SelectBuilder) sq.SelectBuilder {
	return withProfiles(users).
		Column(recordsOf(phonesTable.name, phonesTable.userID, phonesTable.id, phoneColumns)).
		Column(recordsOf(labelsTable.name, labelsTable.userID, labelsTable.id, labelColumns)).
		Column(recordsOf(documentsTable.name, documentsTable.userID, documentsTable.id, documentColumns))
}

// recordsOf selects the rows of a table that belong to a user u.
func recordsOf[T any](table, owner, order string, list columns[T]) sq.Sqlizer {
	return arrayOfRecords(table, owner, order, "u."+usersTable.id, list.names())
}

// withProfilesTargets returns the scan targets of withProfiles.
func (u *relatedUser) withProfilesTargets() []any {
	u.profiles.columns, u.former.columns = profileColumns, profileColumns
	return append(userTargets(&u.user), &u.profiles, &u.former)
}

// targets returns the scan targets of withRelations.
func (u *relatedUser) targets() []any {
	u.phones.columns, u.labels.columns, u.documents.columns = phoneColumns, labelColumns, documentColumns
	return append(u.withProfilesTargets(), &u.phones, &u.labels, &u.documents)
}

// related returns the user with the relations that were read.
func (u *relatedUser) related() identity.User {
	user := u.user
	user.Profiles = u.profiles.list
	if len(u.former.list) > 0 {
		user.Profiles = append(u.former.list, user.Profiles...)
		sortProfiles(user.Profiles)
	}
	user.Phones, user.Labels, user.Documents = u.phones.list, u.labels.list, u.documents.list
	return user
}

// owned is a row that belongs to a user.
type owned[T any] struct {
	owner int64
	noun  T
}

// relation reads the rows of one table that belong to several users.
type relation[T any] struct {
	columns columns[T]
	find    statement
}

func newRelation[T any](table, owner, order string, list columns[T]) relation[T] {
	return relation[T]{list, compile(ofUsers(table, owner, list).OrderBy(order))}
}

// ofUsers selects the rows of a table that belong to users.
func ofUsers[T any](table, owner string, list columns[T]) sq.SelectBuilder {
	return sq.Select(owner).Columns(list.names()...).From(table).Where(anyOf(owner, "int8", arg("ids")))
}

func (r relation[T]) targets(row *owned[T]) []any {
	return r.columns.appendTargets([]any{&row.owner}, &row.noun)
}

// queue queues the read of the users' rows, in the order in which they were stored.
func (r relation[T]) queue(batch *pgx.Batch, ids []int64, assign func(owner int64, noun T)) {
	batch.Queue(r.find.sql, r.find.bind(args{"ids": ids})...).Query(func(rows pgx.Rows) error {
		return visitRows(rows, r.targets, func(row *owned[T]) error {
			assign(row.owner, row.noun)
			return nil
		})
	})
}

var (
	// profilesOfUsers reads both tables in one statement, so that a profile that moves between them
	// is read once. The order is that of sortProfiles.
	profilesOfUsers = relation[identity.Profile]{profileColumns, compile(unionAll(
		ofUsers(profilesTable.name, profilesTable.userID, profileColumns),
		ofUsers(formerProfilesTable.name, formerProfilesTable.userID, profileColumns)))}
	phonesOfUsers = newRelation(phonesTable.name, phonesTable.userID, phonesTable.id, phoneColumns)
	labelsOfUsers = newRelation(labelsTable.name, labelsTable.userID, labelsTable.id, labelColumns)

	storedPhonesOfUsers = newRelation(phonesTable.name, phonesTable.userID, phonesTable.id, storedPhoneColumns)
)

// LoadRelations fills in profiles, phones and labels of the users, in one round trip for any number
// of users. Outside of a transaction the reads have separate snapshots.
func (r *Repository) LoadRelations(ctx context.Context, users []identity.User) error {
	return r.loadRelations(ctx, users, phonesOfUsers)
}

// loadStoredRelations is LoadRelations with all columns that an export writes.
func (r *Repository) loadStoredRelations(ctx context.Context, users []identity.User) error {
	return r.loadRelations(ctx, users, storedPhonesOfUsers)
}

func (r *Repository) loadRelations(ctx context.Context, users []identity.User, phones relation[identity.Phone]) error {
	ids := make([]int64, len(users))
	byID := make(map[int64]*identity.User, len(users))
	for i := range users {
		ids[i] = users[i].ID
		byID[users[i].ID] = &users[i]
	}
	batch := &pgx.Batch{}
	profilesOfUsers.queue(batch, ids, func(id int64, p identity.Profile) { byID[id].Profiles = append(byID[id].Profiles, p) })
	phones.queue(batch, ids, func(id int64, p identity.Phone) { byID[id].Phones = append(byID[id].Phones, p) })
	labelsOfUsers.queue(batch, ids, func(id int64, l identity.Label) { byID[id].Labels = append(byID[id].Labels, l) })
	err := r.db.SendBatch(ctx, batch).Close()
	for i := range users {
		if len(users[i].Profiles) > 1 {
			sortProfiles(users[i].Profiles)
		}
	}
	return translate(err)
}
