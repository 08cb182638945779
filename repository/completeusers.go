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

var (
	documentsOfUsers = newRelation(documentsTable.name, documentsTable.userID, documentsTable.id, documentColumns)

	// selectChanged reads the users that changed, or any of whose rows did, at the time since or later.
	selectChanged = compile(limit(inPages(selectStoredUsers()).Where(sq.Or{
		sq.Expr("u."+usersTable.updatedAt+" >= ?", arg("since")), sq.Expr("u."+usersTable.createdAt+" >= ?", arg("since")),
		changedIn(labelsTable.name, labelsTable.userID, labelsTable.updatedAt),
		changedIn(phonesTable.name, phonesTable.userID, phonesTable.updatedAt),
		changedIn(profilesTable.name, profilesTable.userID, profilesTable.updatedAt),
		changedIn(documentsTable.name, documentsTable.userID, documentsTable.updatedAt),
	})))
)

func changedIn(table, owner, updatedAt string) sq.Sqlizer {
	return exists(sq.Select("1").From(aliased(table, "r")).Where("r."+owner+" = u."+usersTable.id).Where("r."+updatedAt+" >= ?", arg("since")))
}

// ExportCompleteUsers passes the users of one snapshot to visit in pages, in the order of their
// ids, each with all that the database has of it, documents included: all users, or with since those that changed at that time or later. A user has changed when
// its row or a row of its labels, phones, profile or documents has. A deleted label changes the
// user's row only if the level or the state follows. Memory use does not grow with the number of
// users. An error of visit ends the export.
func (r *Repository) ExportCompleteUsers(ctx context.Context, since *time.Time, visit func([]StoredUser) error) error {
	page, given := selectExported, args{"limit": completePage}
	if since != nil {
		page = selectChanged
		given["since"] = *since
	}
	return r.snapshot(ctx, func(snapshot *Repository) error {
		for after := int64(0); ; {
			given["after"] = after
			users, err := all(ctx, snapshot, page, given, (*StoredUser).exported)
			if err != nil || len(users) == 0 {
				return err
			}
			after = users[len(users)-1].ID
			if err := snapshot.completeStored(ctx, users); err != nil {
				return err
			}
			if err := snapshot.loadDocuments(ctx, users); err != nil {
				return err
			}
			if err := visit(users); err != nil {
				return err
			}
		}
	})
}

// loadDocuments fills in the documents of users.
func (r *Repository) loadDocuments(ctx context.Context, users []StoredUser) error {
	ids := make([]int64, len(users))
	byID := make(map[int64]*StoredUser, len(users))
	for i := range users {
		ids[i] = users[i].ID
		byID[users[i].ID] = &users[i]
	}
	batch := &pgx.Batch{}
	documentsOfUsers.queue(batch, ids, func(id int64, d identity.Document) { byID[id].Documents = append(byID[id].Documents, d) })
	return translate(r.db.SendBatch(ctx, batch).Close())
}
