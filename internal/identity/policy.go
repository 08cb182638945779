package identity

import (
	"errors"
	"fmt"
	"strings"

	"barong/internal/problem"
)

// Policy decides how private labels affect the account, and which documents may be uploaded. It is
// the content of barong.yml. Its keys and values are normalised like labels before they are
// compared.
type Policy struct {
	ActivationRequirements []Requirement // an account is active when it meets all of them; none: every account is
	StateTriggers          []Trigger     // the first match decides, so the most severe comes first
	Levels                 []Requirement // of level 1, 2, …
	DocumentTypes          []string
	Roles                  []string // that the API may give; a user may have another one already
	RequireDocumentExpiry  bool     // whether a document must have a date of expiry
	PhoneCountry           string   // the country whose numbering plan applies to national numbers, from ParsePhoneCountry; "": they are rejected
}

// Requirement is a private label that an account must have.
type Requirement struct {
	Key   string
	Value string
}

// Trigger sets the state of an account when one of its private labels, with any value, has one of
// the keys. A key that ends in * matches all keys with the prefix before it.
type Trigger struct {
	State string
	Keys  []string
}

// DefaultPolicy is Barong's default.
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
		// Those of Barong's seeds, except superadmin: whoever may write users could otherwise make
		// himself one.
		Roles: []string{
			"admin", "technical", "accountant", "compliance", "support", "broker", "trader", "maker", "sa_maker", "manager", "partner",
			RoleMember, "service_account",
		},
	}
}

// Level returns the highest level, counted from 1, up to which the labels meet all levels, and 0
// where they do not meet the first. Public labels do not count.
func (p Policy) Level(labels []Label) int {
	for i, requirement := range p.Levels {
		if !requirement.isMet(labels) {
			return i
		}
	}
	return len(p.Levels)
}

// State returns the state of the first trigger that a label matches. Without a match it is active
// when the labels meet all activation requirements, and pending otherwise. Public labels do not
// count, and the order of the labels has no effect.
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

// Validate rejects keys and values that no label can match, and triggers that every label would
// match: both are mistakes of the author. It returns all errors together.
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
	for _, role := range p.Roles {
		if !roleText.MatchString(role) {
			faults = append(faults, fmt.Errorf("roles: %q is not 1 to 64 of a-z, 0-9, _ and -", role))
		}
	}
	return errors.Join(faults...)
}

// isTriggerKey reports whether a key is a valid label key, or a prefix of one with a *.
func isTriggerKey(key string) bool {
	key, isPrefix := strings.CutSuffix(NormalizeLabel(key), "*")
	if isPrefix {
		return key != "" && len(key) <= maxLabelText && isLabelText(key)
	}
	return checkLabelText("key", "Key", key) == nil
}
