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
var updateUser = recordedChange(userBefore, sq.Update(usersTable.name).
	Set(usersTable.role, sq.Expr("coalesce(?::text, "+usersTable.role+")", newRole)).
	Set(usersTable.data, sq.Expr("coalesce(?::text, "+usersTable.data+")", newData)).
	Set(usersTable.updatedAt, arg("now")).
	Where(isUser(usersTable.name)).
	Where(sq.Or{
		sq.Expr(usersTable.role+" <> ?::text", newRole),
		movesData,
	}).Suffix(returning(usersTable.id)),
	typed("uid", "text"), jsonMerged(jsonObject("account", accountBefore),
		sq.Case().When(sq.Expr("before."+usersTable.role+" <> ?::text", newRole),
			jsonObject("role", changeOf(sq.Expr("before."+usersTable.role), typed(newRole, "text")))).Else(nothingChanged),
		sq.Case().When("before.moves_data", fieldsChanged(usersTable.data)).Else(nothingChanged)))

var (
	movesData  = sq.Expr("(?::text IS NOT NULL AND "+usersTable.data+" IS DISTINCT FROM ?::text)", newData, newData)
	userBefore = sq.Select(usersTable.role).Column(sq.Alias(movesData, "moves_data")).From(usersTable.name).Where(isUser(usersTable.name))
)

// UpdateUser changes values of a user and returns the user with all profiles, in one transaction. An
// unknown user is identity.ErrRecordNotFound.
func (r *Repository) UpdateUser(ctx context.Context, uid string, changes identity.UserChanges, now time.Time) (user identity.User, err error) {
	given := args{"uid": uid, newRole: changes.Role, newData: changes.Data, "now": now}
	err = translate(r.retry(ctx, func() error {
		user = identity.User{}
		known := false
		batch := &pgx.Batch{}
		queueLock(batch, given, &known)
		r.queueRepetition(batch)
		r.queueWrite(batch, updateUser, given)
		queueUserWithProfiles(batch, uid, &user)
		return r.db.SendBatch(ctx, batch).Close()
	}))
	if err == nil && user.ID == 0 {
		err = identity.ErrRecordNotFound
	}
	return user, err
}
