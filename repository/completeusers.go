package repository

import (
	"context"
	"time"

	sq "github.com/Masterminds/squirrel"
	"github.com/jackc/pgx/v5"

	"barong/internal/identity"
)

// completePage is the number of users that one query reads. It is smaller than exportPage because a
// user may have a megabyte of documents' metadata.
const completePage = 500

// Times are the times of a row.
type Times struct{ CreatedAt, UpdatedAt time.Time }

// TimedPhone is a phone with the times of its row.
type TimedPhone struct {
	identity.Phone
	Times
}

// CompleteUser is a user with everything that the database has of it: all relations, documents
// included, and the times that other reads leave out.
type CompleteUser struct {
	StoredUser
	TimedPhones  []TimedPhone // in place of Phones
	ProfileTimes Times        // zero without a profile
}

// timedProfile is a profile with the times of its row.
type timedProfile struct {
	identity.Profile
	Times
}

var (
	timedPhoneColumns = columns[TimedPhone]{
		field(phonesTable.name, phonesTable.createdAt, "timestamptz", func(p *TimedPhone) *time.Time { return &p.CreatedAt }),
		field(phonesTable.name, phonesTable.updatedAt, "timestamptz", func(p *TimedPhone) *time.Time { return &p.UpdatedAt }),
	}
	timedProfileColumns = columns[timedProfile]{
		field(profilesTable.name, profilesTable.createdAt, "timestamptz", func(p *timedProfile) *time.Time { return &p.CreatedAt }),
		field(profilesTable.name, profilesTable.updatedAt, "timestamptz", func(p *timedProfile) *time.Time { return &p.UpdatedAt }),
	}

	timedPhonesOfUsers = newRelation(phonesTable.name, phonesTable.userID, phonesTable.id,
		within(phoneColumns, func(p *TimedPhone) *identity.Phone { return &p.Phone }, timedPhoneColumns))
	timedProfilesOfUsers = newRelation(profilesTable.name, profilesTable.userID, profilesTable.userID,
		within(profileColumns, func(p *timedProfile) *identity.Profile { return &p.Profile }, timedProfileColumns))
	documentsOfUsers = newRelation(documentsTable.name, documentsTable.userID, documentsTable.id, documentColumns)

	// selectChanged reads the users that changed, or any of whose rows did, at the time since or later.
	selectChanged = compile(limit(selectStored().Where(sq.Or{
		sq.Expr("u."+usersTable.updatedAt+" >= ?", arg("since")), sq.Expr("u."+usersTable.createdAt+" >= ?", arg("since")),
		changedIn(labelsTable.name, labelsTable.userID, labelsTable.updatedAt),
		changedIn(phonesTable.name, phonesTable.userID, phonesTable.updatedAt),
		changedIn(profilesTable.name, profilesTable.userID, profilesTable.updatedAt),
		changedIn(documentsTable.name, documentsTable.userID, documentsTable.updatedAt),
	})))
)

// within makes the columns of a value of those of a part of it, followed by its own.
func within[T, Part any](part columns[Part], of func(*T) *Part, own columns[T]) columns[T] {
	var list columns[T]
	for _, c := range part {
		list = append(list, column[T]{name: c.name, sqlType: c.sqlType, target: func(noun *T) any { return c.target(of(noun)) }})
	}
	return append(list, own...)
}

func changedIn(table, owner, updatedAt string) sq.Sqlizer {
	return exists(sq.Select("1").From(aliased(table, "r")).Where("r."+owner+" = u."+usersTable.id).Where("r."+updatedAt+" >= ?", arg("since")))
}

// ExportCompleteUsers passes the users of one snapshot to visit in pages, in the order of their
// ids: all of them, or with since those that changed at that time or later. A user has changed when
// its row or a row of its labels, phones, profile or documents has. A deleted label changes the
// user's row only if the level or the state follows. Memory use does not grow with the number of
// users. An error of visit ends the export.
func (r *Repository) ExportCompleteUsers(ctx context.Context, since *time.Time, visit func([]CompleteUser) error) error {
	page, given := selectExported, args{"limit": completePage}
	if since != nil {
		page = selectChanged
		given["since"] = *since
	}
	return r.snapshot(ctx, func(snapshot *Repository) error {
		for after := int64(0); ; {
			given["after"] = after
			stored, err := all(ctx, snapshot, page, given, (*StoredUser).exported)
			if err != nil || len(stored) == 0 {
				return err
			}
			after = stored[len(stored)-1].ID
			users := make([]CompleteUser, len(stored))
			for i := range stored {
				users[i].StoredUser = stored[i]
			}
			if err := snapshot.complete(ctx, users); err != nil {
				return err
			}
			if err := visit(users); err != nil {
				return err
			}
		}
	})
}

// complete fills in all relations of users, in one round trip.
func (r *Repository) complete(ctx context.Context, users []CompleteUser) error {
	ids := make([]int64, len(users))
	byID := make(map[int64]*CompleteUser, len(users))
	for i := range users {
		ids[i] = users[i].ID
		byID[users[i].ID] = &users[i]
	}
	batch := &pgx.Batch{}
	timedProfilesOfUsers.queue(batch, ids, func(id int64, p timedProfile) {
		byID[id].Profile, byID[id].ProfileTimes = &p.Profile, p.Times
	})
	timedPhonesOfUsers.queue(batch, ids, func(id int64, p TimedPhone) { byID[id].TimedPhones = append(byID[id].TimedPhones, p) })
	labelsOfUsers.queue(batch, ids, func(id int64, l identity.Label) { byID[id].Labels = append(byID[id].Labels, l) })
	documentsOfUsers.queue(batch, ids, func(id int64, d identity.Document) { byID[id].Documents = append(byID[id].Documents, d) })
	return translate(r.db.SendBatch(ctx, batch).Close())
}
