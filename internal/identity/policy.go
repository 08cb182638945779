package identity

import (
	"errors"
	"fmt"
	"strings"

	"barong/internal/problem"
)

// Policy says what private labels do to the account that has them, and which
// documents may be uploaded. It is the content of barong.yml. Keys and values in
// it are normalised like labels before they are compared.
type Policy struct {
	ActivationRequirements []Requirement // all of them make an account active; none: every account is
	StateTriggers          []Trigger     // the first that matches decides, so the most severe first
	Levels                 []Requirement // of level 1, 2, …
	DocumentTypes          []string
	RequireDocumentExpiry  bool   // a document must say when it expires
	PhoneCountry           string // by whose numbering plan national numbers are read, of ParsePhoneCountry; "": they are refused
}

// Requirement is a private label that an account must have.
type Requirement struct {
	Key   string
	Value string
}

// Trigger puts an account into a state when one of its private labels, whatever
// the value, has one of the keys. A key that ends in * stands for all that start
// with what precedes it.
type Trigger struct {
	State string
	Keys  []string
}

// DefaultPolicy is what Barong does unless it is configured otherwise.
func DefaultPolicy() Policy {
	return Policy{
		ActivationRequirements: []Requirement{{"email", "verified"}},
		StateTriggers: []Trigger{
			{State: "banned", Keys: []string{"ban", "fraud"}},
			{State: "deleted", Keys: []string{"delete"}},
			{State: "locked", Keys: []string{"suspicious", "lock"}},
		},
		Levels: []Requirement{{"email", "verified"}, {"phone", "verified"}, {"document", "verified"}},
		DocumentTypes: []string{
			"Passport", "Identity card", "Driver license", "Utility Bill", "Residental", "Institutional",
		},
	}
}

// Level is the last of the levels, counted from 1, that the labels reach without
// a gap, and 0 where they do not have the first. Public labels do not count.
func (p Policy) Level(labels []Label) int {
	for i, requirement := range p.Levels {
		if !requirement.isMet(labels) {
			return i
		}
	}
	return len(p.Levels)
}

// State is that of the first trigger which a label sets off; else active when all
// activation requirements are met, else pending. Public labels do not count, and
// the order of the labels does not matter.
func (p Policy) State(labels []Label) string {
	for _, trigger := range p.StateTriggers {
		if trigger.isSetOff(labels) {
			return trigger.State
		}
	}
	for _, requirement := range p.ActivationRequirements {
		if !requirement.isMet(labels) {
			return StatePending
		}
	}
	return StateActive
}

func (r Requirement) isMet(labels []Label) bool {
	key, value := NormalizeLabel(r.Key), NormalizeLabel(r.Value)
	for _, label := range labels {
		if label.Scope == ScopePrivate && label.Key == key && label.Value == value {
			return true
		}
	}
	return false
}

func (t Trigger) isSetOff(labels []Label) bool {
	for _, pattern := range t.Keys {
		pattern, isPrefix := strings.CutSuffix(NormalizeLabel(pattern), "*")
		for _, label := range labels {
			if label.Scope == ScopePrivate && (label.Key == pattern || isPrefix && strings.HasPrefix(label.Key, pattern)) {
				return true
			}
		}
	}
	return false
}

// Validate refuses what no label can ever match, and what every label would: in
// both cases the file does not say what its author meant. All faults at once.
func (p Policy) Validate() error {
	var faults []error
	check := func(where string, requirements []Requirement) {
		for _, r := range requirements {
			if _, violations := NewLabel(r.Key, r.Value); violations != nil {
				faults = append(faults, fmt.Errorf("%s: no label is ever %q with the value %q: %w", where, r.Key, r.Value, problem.Invalid(violations...)))
			}
		}
	}
	check("activation_requirements", p.ActivationRequirements)
	check("levels", p.Levels)
	for _, trigger := range p.StateTriggers {
		if strings.TrimSpace(trigger.State) == "" {
			faults = append(faults, errors.New("state_triggers: a state has no name"))
		}
		for _, key := range trigger.Keys {
			if !isTriggerKey(key) {
				faults = append(faults, fmt.Errorf("state_triggers: %s: %q matches no label key at all, or every one", trigger.State, key))
			}
		}
	}
	for _, documentType := range p.DocumentTypes {
		if strings.TrimSpace(documentType) == "" {
			faults = append(faults, errors.New("document_types: a type has no name"))
		}
	}
	return errors.Join(faults...)
}

// isTriggerKey says whether a key is that of a label, or the beginning of one and a *.
func isTriggerKey(key string) bool {
	key, isPrefix := strings.CutSuffix(NormalizeLabel(key), "*")
	if isPrefix {
		return key != "" && len(key) <= maxLabelText && isLabelText(key)
	}
	return checkLabelText("key", "Key", key) == nil
}
