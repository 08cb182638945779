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

// AccountStatus brings level and state of a user in line with the user's labels, by a
// policy that was compiled to SQL. identity.Policy is what defines them; a test
// holds the two together.
type AccountStatus struct{ update statement }

// NewAccountStatus compiles a policy. It takes microseconds, but every policy makes a
// statement of its own that connections prepare: compile once.
func NewAccountStatus(policy identity.Policy) *AccountStatus {
	status := sq.Select().
		Column(sq.Alias(levelBy(policy.Levels), "new_level")).Column(sq.Alias(stateBy(policy), "new_state")).
		From(labelsTable.name).Where(ofUser).Where(labelsTable.scope + " = " + text(identity.ScopePrivate))
	own := func(column string) string { return usersTable.name + "." + column }
	return &AccountStatus{compile(sq.Update(usersTable.name).
		Set(usersTable.level, sq.Expr("status.new_level")).Set(usersTable.state, sq.Expr("status.new_state")).Set(usersTable.updatedAt, arg("now")).
		FromSelect(status, "status").
		Where(isUser(usersTable.name)).
		Where("(" + own(usersTable.level) + " <> status.new_level OR " + own(usersTable.state) + " <> status.new_state)"))}
}

// levelBy is the number of levels before the first that the labels miss. Each
// level is one aggregate over the labels, so that they are read once.
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
	// A CASE has at least one WHEN.
	return state.When("false", text("")).Else(text(identity.StateActive))
}

// missing is true where no label is as required; without labels too, where the
// aggregate is NULL.
func missing(r identity.Requirement) sq.Sqlizer {
	return sq.Expr("bool_or("+labelsTable.key+" = ?::text AND "+labelsTable.value+" = ?::text) IS NOT TRUE", identity.NormalizeLabel(r.Key), identity.NormalizeLabel(r.Value))
}

// setOff is true where a label has one of the trigger's keys. Beginnings are
// compared as text: in a LIKE the _ of a key would stand for any letter.
func setOff(t identity.Trigger) sq.Sqlizer {
	var keys []string
	hit := sq.Or{nil} // the whole keys, then the beginnings
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

// Rows that refer to the user may come while it is locked: they take no part in
// its status, or wait for the lock themselves.
var lockUserRow = compile(sq.Select(usersTable.id).From(usersTable.name).Where(isUser(usersTable.name)).Suffix(forNoKeyUpdate))

// withStatusUpdate runs a change of a user's private labels and the update of the
// account status that follows from it as one transaction, in one round trip: a batch
// outside of a transaction is one of its own. First the user's row is locked. Under
// READ COMMITTED each statement has a snapshot of its own, so that the later ones see
// what an earlier holder of the lock wrote: concurrent changes end as they would one
// after the other. Level and state come last.
//
// change queues the writes, after queues reads of the outcome; both run again where
// the transaction lost against a concurrent one. An unknown user is
// identity.ErrRecordNotFound.
func (r *Repository) withStatusUpdate(ctx context.Context, uid string, status *AccountStatus, now time.Time, change func(*pgx.Batch), after ...func(*pgx.Batch)) error {
	given := args{"uid": uid, "now": now}
	return translate(r.retry(ctx, func() error {
		known := false
		batch := &pgx.Batch{}
		batch.Queue(lockUserRow.sql, lockUserRow.bind(given)...).Query(func(rows pgx.Rows) error {
			known = rows.Next()
			rows.Close()
			return rows.Err()
		})
		change(batch)
		batch.Queue(status.update.sql, status.update.bind(given)...)
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
