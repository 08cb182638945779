package repository

import (
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	sq "github.com/Masterminds/squirrel"

	"barong/internal/identity"
)

// AccountStatus makes a user's level and state follow the user's labels, by a policy that is compiled to
// SQL. identity.Policy defines both values; a test checks that the SQL and the policy agree.
type AccountStatus struct {
	level, state sq.Sqlizer // aggregates over labels
	mu           sync.Mutex
	writes       map[*statusWrite]*recorded
}

// NewAccountStatus compiles a policy. Compiling takes microseconds, but each policy produces its
// own statements, which every connection then prepares: compile a policy once.
func NewAccountStatus(policy identity.Policy) *AccountStatus {
	return &AccountStatus{level: levelBy(policy.Levels), state: stateBy(policy), writes: map[*statusWrite]*recorded{}}
}

// following returns a write with the update of the account.
func (s *AccountStatus) following(w *statusWrite) *recorded {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.writes[w] == nil {
		s.writes[w] = newRecorded(func(as recording) sq.Sqlizer { return w.sqlFor(s, as) })
	}
	return s.writes[w]
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
