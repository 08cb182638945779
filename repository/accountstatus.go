package repository

import (
	"context"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	sq "github.com/Masterminds/squirrel"
	"github.com/jackc/pgx/v5"

	"barong/internal/identity"
)

// AccountStatus updates a user's level and state from the user's labels, by a policy that is
// compiled to SQL. identity.Policy defines both values; a test checks that the SQL and the policy
// agree. The API keys of a user who is not active afterwards become inactive in the same statement.
type AccountStatus struct{ update *recorded }

// NewAccountStatus compiles a policy. Compiling takes microseconds, but each policy produces its
// own statement, which every connection then prepares: compile a policy once.
func NewAccountStatus(policy identity.Policy) *AccountStatus {
	status := sq.Select().
		Column(sq.Alias(levelBy(policy.Levels), "new_level")).Column(sq.Alias(stateBy(policy), "new_state")).
		From(labelsTable.name).Where(ofUser).Where(labelsTable.scope + " = " + text(identity.ScopePrivate))
	own := func(column string) string { return usersTable.name + "." + column }
	update := sq.Update(usersTable.name).
		Set(usersTable.level, sq.Expr("status.new_level")).Set(usersTable.state, sq.Expr("status.new_state")).Set(usersTable.updatedAt, arg("now")).
		FromSelect(status, "status").
		Where(isUser(usersTable.name)).
		Where("(" + own(usersTable.level) + " <> status.new_level OR " + own(usersTable.state) + " <> status.new_state)")
	return &AccountStatus{newRecorded(func(as recording) sq.Sqlizer {
		update := update
		if as.journaled { // a write that was rejected moves nothing: its row would say so of nobody's write
			update = update.Where(collectedChanges + " IS NOT NULL")
		}
		return withKeysDeactivated(update, "moved."+usersTable.state+" <> "+text(identity.StateActive),
			as.insertCollected(typed("uid", "text"), sq.Expr("coalesce(?, ?)", subselect(sq.Select().Column(movedAccount).From("moved")), nothingChanged))...)
	})}
}

// movedAccount is the level and the state of the user in moved, as part of a journal.Changes.
var movedAccount = jsonObject("level", oldAndNew(usersTable.level), "state", oldAndNew(usersTable.state))

// oldAndNew is a column of users before the statement and in moved, as a journal.Change.
func oldAndNew(column string) sq.Sqlizer {
	before := sq.Select("u." + column).From(aliased(usersTable.name, "u")).Where("u." + usersTable.id + " = moved." + usersTable.id)
	return jsonObject("old", subselect(before), "new", sq.Expr("moved."+column))
}

// levelBy returns the number of levels before the first one whose requirement the labels do not
// meet. Each level is one aggregate, so the labels are read once.
func levelBy(levels []identity.Requirement) sq.Sqlizer {
	if len(levels) == 0 {
		return sq.Expr("0")
	}
	level := sq.Case()
	for i, requirement := range levels {
		level = level.When(missing(requirement), strconv.Itoa(i))
	}
	return level.Else(strconv.Itoa(len(levels)))
}

func stateBy(policy identity.Policy) sq.Sqlizer {
	state := sq.Case()
	for _, trigger := range policy.StateTriggers {
		if len(trigger.Keys) > 0 {
			state = state.When(setOff(trigger), sq.Expr("?::text", trigger.State))
		}
	}
	for _, requirement := range policy.ActivationRequirements {
		state = state.When(missing(requirement), text(identity.StatePending))
	}
	// A CASE needs at least one WHEN.
	return state.When("false", text("")).Else(text(identity.StateActive))
}

// missing is true where no label meets the requirement. The aggregate of a user without labels is
// NULL, which counts as missing.
func missing(r identity.Requirement) sq.Sqlizer {
	return sq.Expr("bool_or("+labelsTable.key+" = ?::text AND "+labelsTable.value+" = ?::text) IS NOT TRUE", identity.NormalizeLabel(r.Key), identity.NormalizeLabel(r.Value))
}

// setOff is true where a label has one of the trigger's keys. Prefixes are compared with left()
// because LIKE treats the _ in a key as a wildcard.
func setOff(t identity.Trigger) sq.Sqlizer {
	var keys []string
	hit := sq.Or{nil} // the exact keys, then the prefixes
	for _, key := range t.Keys {
		if beginning, isPrefix := strings.CutSuffix(identity.NormalizeLabel(key), "*"); isPrefix {
			hit = append(hit, sq.Expr("left("+labelsTable.key+", ?::integer) = ?::text", utf8.RuneCountInString(beginning), beginning))
		} else {
			keys = append(keys, beginning)
		}
	}
	hit[0] = anyOf(labelsTable.key, "text", keys)
	return sq.Expr("bool_or(?) IS TRUE", hit)
}

// lockUserRow does not block inserts of rows that refer to the user. Such rows either do not affect
// the account status, or their transaction takes a lock itself: this one or, for an API key, one
// that excludes it.
var lockUserRow = compile(sq.Select(usersTable.id).From(usersTable.name).Where(isUser(usersTable.name)).Suffix(forNoKeyUpdate))

// withStatusUpdate changes a user's private labels and updates the account status in one
// transaction and one round trip: outside of a transaction, a batch is a transaction of its own.
// The user's row is locked first. Under READ COMMITTED each statement has its own snapshot, so the
// later statements see the writes of an earlier holder of the lock, and concurrent changes have the
// same result as sequential ones. Level and state are updated last.
//
// change queues the writes and after queues reads of the result. Both run again when the
// transaction fails to serialize. An unknown user is identity.ErrRecordNotFound.
func (r *Repository) withStatusUpdate(ctx context.Context, uid string, status *AccountStatus, now time.Time, change func(*pgx.Batch), after ...func(*pgx.Batch)) error {
	given := args{"uid": uid, "now": now}
	return translate(r.retry(ctx, func() error {
		known := false
		batch := &pgx.Batch{}
		queueLock(batch, given, &known)
		r.queueRepetition(batch)
		change(batch)
		r.queueWrite(batch, status.update, given)
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
