package identity_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"barong/internal/identity"
)

func TestKeysAreHexDigitsAndDiffer(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 1000 {
		kid, secret := identity.NewKID(), identity.NewKeySecret()
		if !regexp.MustCompile(`^[0-9a-f]{16}$`).MatchString(kid) || !regexp.MustCompile(`^[0-9a-f]{32}$`).MatchString(secret) {
			t.Fatalf("kid %q, secret %q", kid, secret)
		}
		if seen[kid] || seen[secret] {
			t.Fatalf("%q or %q came twice", kid, secret)
		}
		seen[kid], seen[secret] = true, true
	}
}

func TestScopesAreSplitAtCommas(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"":                                {},
		" , ,":                            {},
		"trade, history":                  {"trade", "history"},
		"b,a,,b , a":                      {"b", "a"},
		"a:*,b/c-d_e.f":                   {"a:*", "b/c-d_e.f"},
		strings.Repeat("s", 64):           {strings.Repeat("s", 64)},
		numbered(32) + "," + numbered(32): strings.Split(numbered(32), ","),
	} {
		if got, violations := identity.ParseKeyScopes(text); got == nil || violations != nil || !slices.Equal(got, want) {
			t.Errorf("%q became %q, %v; want %q", text, got, violations, want)
		}
	}
	for _, text := range []string{"two words", "ä", strings.Repeat("s", 65), numbered(33), "a;b", "a\nb"} {
		if _, violations := identity.ParseKeyScopes(text); !slices.Equal(messages(violations), []string{"scope.invalid"}) {
			t.Errorf("%q gave %q", text, messages(violations))
		}
	}
}

func numbered(n int) string {
	scopes := make([]string, n)
	for i := range scopes {
		scopes[i] = fmt.Sprint("s", i)
	}
	return strings.Join(scopes, ",")
}
