package repository

import (
	"context"
)

// exported is how many users are read at once.
const exported = 2000

var selectExported = compile(limit(withRelations(selectUsers(), "u."+usersTable.id).
	Columns(qualified("u", digestColumns.names()...)...).Columns(qualified("s", secretColumns.names()...)...).
	From(aliased(usersTable.name, "u")).
	LeftJoin(aliased(otpSecretsTable.name, "s")+" ON s."+otpSecretsTable.userID+" = u."+usersTable.id).
	Where("u."+usersTable.id+" > ?", arg("after")).OrderBy("u."+usersTable.id), "limit"))

// exportedUser is a row of selectExported.
type exportedUser struct {
	relatedUser
	stored StoredUser
}

func (u *exportedUser) targets() []any {
	to := append(userTargets(&u.user), u.relations()...)
	return secretColumns.appendTargets(digestColumns.appendTargets(to, &u.user), &u.stored)
}

// ExportUsers hands out all users of one snapshot in the order of their ids, with
// password digest, profile, labels, phones and the encrypted secret, some at a
// time: what it holds does not grow with their number. A visit that fails ends it.
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
	users := make([]StoredUser, 0, exported)
	err := each(ctx, r, selectExported, args{"after": id, "limit": exported}, (*exportedUser).targets, func(found *exportedUser) error {
		users = append(users, StoredUser{User: found.related(), Secret: found.stored.Secret})
		return nil
	})
	return users, err
}
