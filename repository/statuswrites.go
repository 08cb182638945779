package repository

import (
	"context"
	"time"

	sq "github.com/Masterminds/squirrel"
	"github.com/jackc/pgx/v5"

	"barong/internal/identity"
)

// statusWrite is a write of a user's labels, or of what sets a label, after which the account status follows
// the labels. All of it is one statement, with a WITH prefix of which these queries are the first and the last
// ones:
//
//   - account: the id and the journaledColumns of the user; without a row nothing is written;
//   - status: account with new_level and new_state, where source has a row;
//   - moved: the update of the user, where these differ;
//   - with_keys_of_accounts and with_keys_of_users: the API keys of a user who is not active any more.
//
// A statement does not see what its own queries write, so status is made of the labels before the write, but
// for those that labelled replaces.
type statusWrite struct {
	parts   []cte            // what is written; may read account
	source  string           // the part with one row for a write that is executed, and none for one that is rejected
	changes string           // condition on source: whether anything changes but the account status
	changed sq.Sqlizer       // of source: the journal.Changes in that case, without the account
	answer  sq.Sqlizer       // of source, as in recording.parts
	labels  sq.SelectBuilder // the private labels afterwards
	main    sq.SelectBuilder // what the statement returns
}

// privateLabels selects key and value of the private labels of account, as they are before the statement.
var privateLabels = sq.Select(labelsTable.key, labelsTable.value).From(labelsTable.name).
	Where(labelsTable.userID + " = account." + usersTable.id).Where(labelsTable.scope + " = " + text(identity.ScopePrivate))

// unlabelled selects the private labels without those of the query labelled, which has ids.
var unlabelled = privateLabels.Where(noneOf(labelsTable.id, sq.Select(labelsTable.id).From("labelled")))

// relabelled selects the private labels with those of the query labelled, which has id, key, value and scope.
var relabelled = unionAll(unlabelled,
	sq.Select(labelsTable.key, labelsTable.value).From("labelled").Where(labelsTable.scope+" = "+text(identity.ScopePrivate)))

// statusMoves is true where the labels make another account of status.
var statusMoves = "(status." + usersTable.level + " <> status.new_level OR status." + usersTable.state + " <> status.new_state)"

// movedStatus is the part of a journal.Changes where statusMoves.
var movedStatus = jsonObject(
	"level", changeOf(sq.Expr("status."+usersTable.level), sq.Expr("status.new_level")),
	"state", changeOf(sq.Expr("status."+usersTable.state), sq.Expr("status.new_state")))

// sqlFor builds the write for a policy.
func (w *statusWrite) sqlFor(status *AccountStatus, as recording) sq.Sqlizer {
	standing := sq.Select().Column(sq.Alias(status.level, "new_level")).Column(sq.Alias(status.state, "new_state")).FromSelect(w.labels, "private")
	moved := moved(sq.Update(usersTable.name).
		Set(usersTable.level, sq.Expr("status.new_level")).Set(usersTable.state, sq.Expr("status.new_state")).Set(usersTable.updatedAt, arg("now")).
		From("status").Where(usersTable.name + "." + usersTable.id + " = status." + usersTable.id).Where(statusMoves))
	parts := []cte{{"account", sq.Select(append([]string{usersTable.id}, journaledColumns...)...).From(usersTable.name).Where(isUser(usersTable.name))}}
	parts = append(parts, w.parts...)
	parts = append(parts,
		cte{"status", sq.Select("account.*", "new_level", "new_state").From("account").JoinClause("CROSS JOIN " + w.source).JoinClause(lateral(standing, "standing"))},
		moved)
	parts = append(parts, keysDeactivated("moved."+usersTable.state+" <> "+text(identity.StateActive))...)
	if as.journaled {
		parts = append(parts, cte{"journaled", insertRow(typed("uid", "text"), w.allChanged(), func(row sq.SelectBuilder) sq.SelectBuilder {
			return row.From("status").JoinClause("CROSS JOIN " + w.source)
		})})
	}
	parts = append(parts, as.keys(w.source, w.answer)...)
	return w.main.PrefixExpr(with(parts...))
}

// allChanged is the journal.Changes of the write with those of the account.
func (w *statusWrite) allChanged() sq.Sqlizer {
	where := func(condition string, changed sq.Sqlizer) sq.Sqlizer {
		return sq.Case().When(condition, changed).Else(nothingChanged)
	}
	return jsonMerged(
		where(w.changes+" OR "+statusMoves, jsonObject("account", accountIn("status"))),
		where(w.changes, w.changed),
		where(statusMoves, movedStatus))
}

// lockUserRow does not block inserts of rows that refer to the user. Such rows either do not affect
// the account status, or their transaction takes a lock itself: this one or, for an API key, one
// that excludes it.
var lockUserRow = compile(sq.Select(usersTable.id).From(usersTable.name).Where(isUser(usersTable.name)).Suffix(forNoKeyUpdate))

// withStatusUpdate runs a write of a user in one transaction and one round trip: outside of a transaction, a
// batch is a transaction of its own. The user's row is locked first. Under READ COMMITTED each statement has
// its own snapshot, so the later statements see the writes of an earlier holder of the lock, and concurrent
// changes have the same result as sequential ones.
//
// read takes the result of the write, and after queues reads of what has become of it. Both run again when the
// transaction fails to serialize. An unknown user is identity.ErrRecordNotFound.
func (r *Repository) withStatusUpdate(ctx context.Context, uid string, status *AccountStatus, now time.Time, write *statusWrite, given args, read func(*pgx.QueuedQuery), after ...func(*pgx.Batch)) error {
	given["uid"], given["now"] = uid, now
	return translate(r.retry(ctx, func() error {
		known := false
		batch := &pgx.Batch{}
		queueLock(batch, given, &known)
		r.queueRepetition(batch)
		read(r.queueWrite(batch, status.following(write), given))
		for _, queue := range after {
			queue(batch)
		}
		err := r.db.SendBatch(ctx, batch).Close()
		if err == nil && !known {
			err = identity.ErrRecordNotFound
		}
		return err
	}))
}

// queueLock queues the lock of a user's row, and sets known where the user exists.
func queueLock(batch *pgx.Batch, given args, known *bool) {
	batch.Queue(lockUserRow.sql, lockUserRow.bind(given)...).Query(func(rows pgx.Rows) error {
		*known = rows.Next()
		rows.Close()
		return rows.Err()
	})
}
