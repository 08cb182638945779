package identity

import (
	"reflect"
	"testing"

	"pgregory.net/rapid"
)

func private(pairs ...string) (labels []Label) {
	for i := 0; i < len(pairs); i += 2 {
		labels = append(labels, Label{Key: pairs[i], Value: pairs[i+1], Scope: ScopePrivate})
	}
	return labels
}

func TestALevelIsExplainedByTheLabelsThatReachItAndTheFirstThatIsMissing(t *testing.T) {
	t.Parallel()
	levels := DefaultPolicy().Levels
	for name, given := range map[string]struct {
		labels []Label
		want   LevelExplanation
	}{
		"no label":       {nil, LevelExplanation{Level: 0, Reached: []Requirement{}, Missing: &levels[0]}},
		"the first":      {private("email", "verified"), LevelExplanation{Level: 1, Reached: levels[:1], Missing: &levels[1]}},
		"another value":  {private("email", "pending"), LevelExplanation{Level: 0, Reached: []Requirement{}, Missing: &levels[0]}},
		"behind a gap":   {private("email", "verified", "document", "verified"), LevelExplanation{Level: 1, Reached: levels[:1], Missing: &levels[1], Beyond: levels[2:]}},
		"all":            {private("phone", "verified", "email", "verified", "document", "verified"), LevelExplanation{Level: 3, Reached: levels}},
		"public ones":    {[]Label{{Key: "email", Value: "verified", Scope: "public"}}, LevelExplanation{Level: 0, Reached: []Requirement{}, Missing: &levels[0]}},
		"only the third": {private("document", "verified"), LevelExplanation{Level: 0, Reached: []Requirement{}, Missing: &levels[0], Beyond: levels[2:]}},
	} {
		if got := DefaultPolicy().ExplainLevel(given.labels); !reflect.DeepEqual(got, given.want) {
			t.Errorf("%s: %+v, want %+v", name, got, given.want)
		}
	}
}

func TestAStateIsExplainedByTheTriggerAndItsLabelOrByWhatIsMissing(t *testing.T) {
	t.Parallel()
	policy := DefaultPolicy()
	for name, given := range map[string]struct {
		labels         []Label
		state, trigger string
		label          string
		missing        []Requirement
	}{
		"no label":          {nil, "pending", "", "", policy.ActivationRequirements},
		"active":            {private("email", "verified"), "active", "", "", nil},
		"banned":            {private("email", "verified", "fraud", "suspected"), "banned", "banned", "fraud", nil},
		"the most severe":   {private("lock", "today", "ban", "forever"), "banned", "banned", "ban", policy.ActivationRequirements},
		"a public label":    {[]Label{{Key: "ban", Value: "yes", Scope: "public"}}, "pending", "", "", policy.ActivationRequirements},
		"no trigger's name": {private("bank_account", "known"), "pending", "", "", policy.ActivationRequirements},
	} {
		got := policy.ExplainState(given.labels)
		trigger, label := "", ""
		if got.Trigger != nil {
			trigger, label = got.Trigger.State, got.Label.Key
		}
		if got.State != given.state || trigger != given.trigger || label != given.label || !reflect.DeepEqual(got.Missing, given.missing) {
			t.Errorf("%s: %+v by %q of %q, want %+v", name, got, label, trigger, given)
		}
	}
}

func TestAnExplanationAgreesWithTheStateAndTheLevel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		policy := DefaultPolicy()
		policy.StateTriggers = append(policy.StateTriggers, Trigger{State: "watched", Keys: []string{"aml_*"}})
		labels := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Label {
			return Label{
				Key:   rapid.SampledFrom([]string{"email", "phone", "document", "ban", "lock", "aml_high", "bank"}).Draw(t, "key"),
				Value: rapid.SampledFrom([]string{"verified", "pending"}).Draw(t, "value"),
				Scope: rapid.SampledFrom([]string{ScopePrivate, "public"}).Draw(t, "scope"),
			}
		}), 0, 6).Draw(t, "labels")
		level, state := policy.ExplainLevel(labels), policy.ExplainState(labels)
		if level.Level != policy.Level(labels) || len(level.Reached) != level.Level || (level.Missing == nil) != (level.Level == len(policy.Levels)) {
			t.Errorf("level %d: %+v", policy.Level(labels), level)
		}
		byCause := StateActive
		if state.Trigger != nil {
			byCause = state.Trigger.State
		} else if len(state.Missing) > 0 {
			byCause = StatePending
		}
		if state.State != policy.State(labels) || byCause != state.State {
			t.Errorf("state %s: %+v", policy.State(labels), state)
		}
	})
}
