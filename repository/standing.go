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

// Standing brings level and state of a user in line with the user's labels, by a
// policy that was compiled to SQL. identity.Policy is what defines them; a test
// holds the two together.
type Standing struct {
	update string
	policy []any // the values of the policy: $1 and on
}

// NewStanding compiles a policy. It takes microseconds, but every policy makes a
// statement of its own that connections prepare: compile once.
func NewStanding(policy identity.Policy) *Standing {
	levels, state := levelBy(policy.Levels), stateBy(policy)
	text, values, err := sq.Select().Column(sq.Alias(levels, "level")).Column(sq.Alias(state, "state")).From("labels").ToSql()
	if err == nil {
		text, err = sq.Dollar.ReplacePlaceholders(text)
	}
	if err != nil {
		panic("repository: a policy that squirrel cannot write: " + err.Error())
	}
	uid, now := "$"+strconv.Itoa(len(values)+1), "$"+strconv.Itoa(len(values)+2)
	return &Standing{policy: values, update: `
		UPDATE users SET level = standing.level, state = standing.state, updated_at = ` + now + `
		FROM (` + text + ` WHERE user_id = (SELECT id FROM users WHERE uid = ` + uid + `) AND scope = '` + identity.ScopePrivate + `') AS standing
		WHERE users.uid = ` + uid + ` AND (users.level <> standing.level OR users.state <> standing.state)`}
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
		state = state.When(missing(requirement), "'"+identity.StatePending+"'")
	}
	// A CASE has at least one WHEN.
	return state.When("false", "''").Else("'" + identity.StateActive + "'")
}

// missing is true where no label is as required; without labels too, where the
// aggregate is NULL.
func missing(r identity.Requirement) sq.Sqlizer {
	return sq.Expr("bool_or(key = ?::text AND value = ?::text) IS NOT TRUE", identity.NormalizeLabel(r.Key), identity.NormalizeLabel(r.Value))
}

// setOff is true where a label has one of the trigger's keys. Beginnings are
// compared as text: in a LIKE the _ of a key would stand for any letter.
func setOff(t identity.Trigger) sq.Sqlizer {
	var keys []string
	var begins []string
	var values []any
	for _, key := range t.Keys {
		if beginning, isPrefix := strings.CutSuffix(identity.NormalizeLabel(key), "*"); isPrefix {
			begins = append(begins, " OR left(key, ?::integer) = ?::text")
			values = append(values, utf8.RuneCountInString(beginning), beginning)
		} else {
			keys = append(keys, beginning)
		}
	}
	return sq.Expr("bool_or(key = ANY(?::text[])"+strings.Join(begins, "")+") IS TRUE", append([]any{keys}, values...)...)
}

// changeLabels runs a change of a user's private labels and what follows from it
// as one transaction, in one round trip: a batch outside of a transaction is one
// of its own. First the user's row is locked; what comes after it sees what
// whoever held the lock before has left, since under READ COMMITTED each
// statement has a snapshot of its own. So concurrent changes end as they would
// one after the other. Level and state come last.
//
// change queues what is to be written, after what is to be read in the end; both
// are run again when the transaction lost
// against a concurrent one. An unknown user is identity.ErrRecordNotFound.
func (r *Repository) changeLabels(ctx context.Context, uid string, standing *Standing, now time.Time, change func(*pgx.Batch), after ...func(*pgx.Batch)) error {
	return translate(r.retry(ctx, func() error {
		known := false
		batch := &pgx.Batch{}
		batch.Queue(lockUser, uid).Query(func(rows pgx.Rows) error {
			known = rows.Next()
			rows.Close()
			return rows.Err()
		})
		change(batch)
		batch.Queue(standing.update, append(standing.policy[:len(standing.policy):len(standing.policy)], uid, now)...)
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

// Rows that refer to the user may come while it is locked: they take no part in
// its standing, or wait for the lock themselves.
const lockUser = "SELECT id FROM users WHERE uid = $1 FOR NO KEY UPDATE"
