package identity

import "strings"

// OverlookedTrigger is a trigger that a label key begins with, and that it does not set
// off since the policy compares whole keys.
type OverlookedTrigger struct {
	Key   string // of the label
	State string // that the trigger stands for
	Begin string // the trigger's own key
}

// Overlooked is the trigger that a private label with this key would set off if keys were
// compared as Barong does, by their beginnings. false where there is none, or
// where the key sets off a trigger as it is.
func (p Policy) Overlooked(key string) (OverlookedTrigger, bool) {
	label := []Label{{Key: key, Scope: ScopePrivate}}
	var found *OverlookedTrigger
	for _, trigger := range p.StateTriggers {
		if trigger.isSetOff(label) {
			return OverlookedTrigger{}, false
		}
		for _, pattern := range trigger.Keys {
			begin := NormalizeLabel(pattern)
			if found == nil && strings.HasPrefix(key, begin) { // one with a * would have set it off
				found = &OverlookedTrigger{Key: key, State: trigger.State, Begin: begin}
			}
		}
	}
	if found == nil {
		return OverlookedTrigger{}, false
	}
	return *found, true
}

// WholeTriggerKeys are the keys of triggers that are compared as a whole, normalised.
func (p Policy) WholeTriggerKeys() []string {
	keys := []string{}
	for _, trigger := range p.StateTriggers {
		for _, pattern := range trigger.Keys {
			if key := NormalizeLabel(pattern); !strings.HasSuffix(key, "*") {
				keys = append(keys, key)
			}
		}
	}
	return keys
}

// WithPrefixTriggers is the policy in which every key of a trigger stands for all keys
// that begin with it, as in Barong.
func (p Policy) WithPrefixTriggers() Policy {
	triggers := make([]Trigger, len(p.StateTriggers))
	for i, trigger := range p.StateTriggers {
		triggers[i] = Trigger{State: trigger.State, Keys: make([]string, len(trigger.Keys))}
		for j, key := range trigger.Keys {
			triggers[i].Keys[j] = strings.TrimSuffix(NormalizeLabel(key), "*") + "*"
		}
	}
	p.StateTriggers = triggers
	return p
}
