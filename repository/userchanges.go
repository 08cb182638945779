package repository

import (
	"context"
	"time"

	sq "github.com/Masterminds/squirrel"
	"github.com/jackc/pgx/v5"

	"barong/internal/identity"
)

const (
	newRole = arg("new role")
	newData = arg("new data")
)

// updateUser changes what differs only, so that an unchanged user keeps its time of update. A NULL
// leaves a value as it is: concurrent changes of different values all hold.
var updateUser = compile(sq.Update(usersTable.name).
	Set(usersTable.role, sq.Expr("coalesce(?::text, "+usersTable.role+")", newRole)).
	Set(usersTable.data, sq.Expr("coalesce(?::text, "+usersTable.data+")", newData)).
	Set(usersTable.updatedAt, arg("now")).
	Where(isUser(usersTable.name)).
	Where(sq.Or{
		sq.Expr(usersTable.role+" <> ?::text", newRole),
		sq.Expr("(?::text IS NOT NULL AND "+usersTable.data+" IS DISTINCT FROM ?::text)", newData, newData),
	}))

// UpdateUser changes values of a user and returns the user with all profiles, in one transaction. An
// unknown user is identity.ErrRecordNotFound.
func (r *Repository) UpdateUser(ctx context.Context, uid string, changes identity.UserChanges, now time.Time) (user identity.User, err error) {
	given := args{"uid": uid, newRole: changes.Role, newData: changes.Data, "now": now}
	err = translate(r.retry(ctx, func() error {
		user = identity.User{}
		batch := &pgx.Batch{}
		batch.Queue(updateUser.sql, updateUser.bind(given)...)
		queueUserWithProfiles(batch, uid, &user)
		return r.db.SendBatch(ctx, batch).Close()
	}))
	if err == nil && user.ID == 0 {
		err = identity.ErrRecordNotFound
	}
	return user, err
}
