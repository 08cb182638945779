package identity

import "strings"

// OverlookedTrigger is a trigger with a key that a label key begins with. The label does not match
// the trigger, because the policy compares whole keys.
type OverlookedTrigger struct {
	Key   string // of the label
	State string // that the trigger sets
	Begin string // the trigger's key
}

// Overlooked returns the trigger that a private label with this key would match if keys were
// compared by prefix, as in Barong. It returns false without such a trigger, or where the key
// matches a trigger already.
func (p Policy) Overlooked(key string) (OverlookedTrigger, bool) {
	label := []Label{{Key: key, Scope: ScopePrivate}}
	var found *OverlookedTrigger
	for _, trigger := range p.StateTriggers {
		if trigger.isSetOff(label) {
			return OverlookedTrigger{}, false
		}
		for _, pattern := range trigger.Keys {
			begin := NormalizeLabel(pattern)
			if found == nil && strings.HasPrefix(key, begin) { // a key with a * would have matched
				found = &OverlookedTrigger{Key: key, State: trigger.State, Begin: begin}
			}
		}
	}
	if found == nil {
		return OverlookedTrigger{}, false
	}
	return *found, true
}

// WholeTriggerKeys returns the normalised keys of triggers that are compared as a whole.
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

// WithPrefixTriggers returns the policy in which every key of a trigger matches all keys with that
// prefix, as in Barong.
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
