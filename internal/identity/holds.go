package identity

import (
	"slices"
	"strings"
)

// holdValue is the value of the label that HoldingLabel makes.
const holdValue = "imported"

// HoldingLabel returns the private label that makes labels give a state of a trigger, so that the
// state stays when another label changes. It returns false where labels give the state already,
// where no trigger sets it, and where a more severe trigger decides.
func (p Policy) HoldingLabel(state string, labels []Label) (Label, bool) {
	if p.State(labels) == state {
		return Label{}, false
	}
	for _, trigger := range p.StateTriggers {
		if trigger.State != state {
			continue
		}
		for _, key := range trigger.wholeKeysFirst() {
			label, broken := NewLabel(key, holdValue)
			if broken == nil && p.State(append(slices.Clip(labels), label)) == state {
				return label, true
			}
		}
	}
	return Label{}, false
}

// wholeKeysFirst returns the keys without a * at their end, those that are compared as a whole
// first.
func (t Trigger) wholeKeysFirst() []string {
	var whole, beginnings []string
	for _, key := range t.Keys {
		if beginning, isPrefix := strings.CutSuffix(NormalizeLabel(key), "*"); isPrefix {
			beginnings = append(beginnings, beginning)
		} else {
			whole = append(whole, key)
		}
	}
	return append(whole, beginnings...)
}

// MissingLabels returns the requirements of the levels up to level that labels do not meet.
func (p Policy) MissingLabels(level int, labels []Label) []Requirement {
	var missing []Requirement
	for _, requirement := range p.Levels[:min(max(level, 0), len(p.Levels))] {
		if !requirement.isMet(labels) {
			missing = append(missing, requirement)
		}
	}
	return missing
}

// MatchedInBarong returns the trigger that a label matches in Barong 2.3, which compares keys by
// prefix and counts public labels, and does not match here.
func (p Policy) MatchedInBarong(label Label) (OverlookedTrigger, bool) {
	if label.Scope == ScopePrivate {
		return p.Overlooked(label.Key)
	}
	for _, trigger := range p.StateTriggers {
		for _, key := range trigger.Keys {
			begin := strings.TrimSuffix(NormalizeLabel(key), "*")
			if strings.HasPrefix(label.Key, begin) {
				return OverlookedTrigger{Key: label.Key, State: trigger.State, Begin: begin}, true
			}
		}
	}
	return OverlookedTrigger{}, false
}
