package identity_test

import (
	"regexp"
	"testing"

	"barong/internal/identity"
)

func TestUIDsArePrefixAndTenHexDigitsAndDiffer(t *testing.T) {
	t.Parallel()
	shape := regexp.MustCompile(`^ID[0-9A-F]{10}$`)
	seen := map[string]bool{}
	for range 1000 {
		uid := identity.NewUID("ID")
		if !shape.MatchString(uid) {
			t.Fatalf("%q is not ID and ten upper-case hex digits", uid)
		}
		if seen[uid] {
			t.Fatalf("%q came twice in a thousand", uid)
		}
		seen[uid] = true
	}
}

func TestUIDPrefixIsTwoToSixLettersUpperCased(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{"ID": "ID", "id": "ID", "uSer": "USER", "abcdef": "ABCDEF"} {
		if got, err := identity.ParseUIDPrefix(given); err != nil || got != want {
			t.Errorf("%q became %q, %v; want %q", given, got, err, want)
		}
	}
	for _, given := range []string{"", "I", "ABCDEFG", "I1", "I D", " ID", "ID\n", "ÉA", "ıd", "SI", "si"} {
		if got, err := identity.ParseUIDPrefix(given); err == nil {
			t.Errorf("%q was taken as %q", given, got)
		}
	}
}
