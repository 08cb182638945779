package identity_test

import (
	"strings"
	"testing"

	"barong/internal/identity"
)

// Guards that the rules name every level, trigger and requirement of a policy, and that no text of it breaks
// their tables.
func TestRulesNameThePolicy(t *testing.T) {
	t.Parallel()
	rules := identity.DefaultPolicy().Rules()
	for _, line := range []string{
		"| 1 | `email`: `verified` |", "| 3 | `document`: `verified` |", "| `banned` | a private label has the key `ban` or `fraud`, with any value |",
		"| `pending` | the private labels lack `email`: `verified` |", "| `active` | always else |",
	} {
		if !strings.Contains(rules, line+"\n") {
			t.Errorf("the rules have no line %s:\n%s", line, rules)
		}
	}
	if rules := (identity.Policy{}).Rules(); !strings.Contains(rules, "Every user has level 0.") {
		t.Errorf("without levels: %s", rules)
	}
	odd := identity.Policy{Levels: []identity.Requirement{{Key: "a|b", Value: "`c\nd"}}}.Rules()
	if !strings.Contains(odd, "| 1 | `a\\|b`: `'c d` |\n") {
		t.Errorf("odd texts: %s", odd)
	}
}
