package repository

import (
	"context"

	sq "github.com/Masterminds/squirrel"

	"barong/internal/identity"
)

// exportPage is the number of users that one query reads.
const exportPage = 2000

var selectExported = compile(limit(inPages(selectStoredUsers())))

// inPages selects users u in the order of their ids, after the last one of the page before.
func inPages(b sq.SelectBuilder) sq.SelectBuilder {
	return b.Where("u."+usersTable.id+" > ?", arg("after")).OrderBy("u." + usersTable.id)
}

// selectStoredUsers begins a select of users u with their digests and secrets.
func selectStoredUsers() sq.SelectBuilder {
	return selectUsers().
		Columns(qualified("u", digestColumns.names()...)...).Columns(qualified("s", secretColumns.names()...)...).
		From(aliased(usersTable.name, "u")).
		LeftJoin(aliased(otpSecretsTable.name, "s") + " ON s." + otpSecretsTable.userID + " = u." + usersTable.id)
}

func (u *StoredUser) exported() []any {
	return secretColumns.appendTargets(digestColumns.appendTargets(userTargets(&u.User), &u.User), u)
}

// ExportUsers passes all users of one snapshot to visit in pages, in the order of their ids, with
// password digest, profile, labels, phones and the encrypted secret. Memory use does not grow with
// the number of users. An error of visit ends the export.
func (r *Repository) ExportUsers(ctx context.Context, visit func([]StoredUser) error) error {
	return r.snapshot(ctx, func(snapshot *Repository) error {
		for after := int64(0); ; {
			users, err := snapshot.exportAfter(ctx, after)
			if err != nil || len(users) == 0 {
				return err
			}
			after = users[len(users)-1].ID
			if err := visit(users); err != nil {
				return err
			}
		}
	})
}

func (r *Repository) exportAfter(ctx context.Context, id int64) ([]StoredUser, error) {
	users, err := all(ctx, r, selectExported, args{"after": id, "limit": exportPage}, (*StoredUser).exported)
	if err != nil {
		return nil, err
	}
	return users, r.completeStored(ctx, users)
}

// completeStored fills in the relations of users.
func (r *Repository) completeStored(ctx context.Context, users []StoredUser) error {
	nouns := make([]identity.User, len(users))
	for i, u := range users {
		nouns[i] = u.User
	}
	if err := r.loadStoredRelations(ctx, nouns); err != nil {
		return err
	}
	for i := range users {
		users[i].User = nouns[i]
	}
	return nil
}
