package identity_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"barong/internal/identity"
)

func TestLabelsAreNormalised(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"email": "email", " EMail\n": "email", "Two  \t words": "two words", "\u00a0ÉTÉ\u3000été ": "été été", "": "", " \n": "",
	} {
		if got := identity.NormalizeLabel(given); got != want {
			t.Errorf("%q became %q, want %q", given, got, want)
		}
	}
	for r := rune(0); r <= unicode.MaxRune; r++ {
		once := identity.NormalizeLabel("a" + string(r) + "b")
		if twice := identity.NormalizeLabel(once); twice != once {
			t.Errorf("%U became %q, then %q", r, once, twice)
		}
	}
}

func TestANewLabelIsPrivateAndNormalised(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ key, value, wantKey, wantValue string }{
		{"email", "verified", "email", "verified"},
		{" EMail ", "VERIFIED\n", "email", "verified"},
		{"a_b", "0-9", "a_b", "0-9"},
		{strings.Repeat("k", 255), strings.Repeat("v", 255), strings.Repeat("k", 255), strings.Repeat("v", 255)},
	} {
		label, violations := identity.NewLabel(c.key, c.value)
		wantMessages(t, violations)
		if want := (identity.Label{Key: c.wantKey, Value: c.wantValue, Scope: "private"}); label != want {
			t.Errorf("got %+v, want %+v", label, want)
		}
	}
}

func TestLabelRulesAreReportedKeyFirst(t *testing.T) {
	t.Parallel()
	const (
		keyShort, keyLong, keyInvalid       = "Key is too short (minimum is 3 characters)", "Key is too long (maximum is 255 characters)", "Key is invalid"
		valueShort, valueLong, valueInvalid = "Value is too short (minimum is 3 characters)", "Value is too long (maximum is 255 characters)", "Value is invalid"
	)
	for _, c := range []struct {
		key, value string
		want       []string
	}{
		{"ab", "verified", []string{keyShort}},
		{" ab ", "verified", []string{keyShort}},
		{"a!", "verified", []string{keyShort, keyInvalid}},
		{"email", "", []string{valueShort}},
		{"email", "é", []string{valueShort, valueInvalid}},
		{"e mail", "verified", []string{keyInvalid}},
		{"émail", "verified", []string{keyInvalid}},
		{"email\x00", "verified", []string{keyInvalid}},
		{"email", "veri\xfffied", []string{valueInvalid}},
		{"email", "١٢٣", []string{valueInvalid}},
		{"em*", "verified", []string{keyInvalid}},
		{strings.Repeat("k", 256), strings.Repeat("é", 256), []string{keyLong, valueLong, valueInvalid}},
		{"?", "?", []string{keyShort, keyInvalid, valueShort, valueInvalid}},
		{strings.Repeat("K ", 1<<20), "verified", []string{keyLong, keyInvalid}},
	} {
		label, violations := identity.NewLabel(c.key, c.value)
		wantMessages(t, violations, c.want...)
		if label != (identity.Label{}) {
			t.Errorf("%.20q %.20q: refused and yet %+v", c.key, c.value, label)
		}
	}
}

func FuzzLabelRules(f *testing.F) {
	f.Add("email", "verified", "ban_2026", "document")
	f.Add(" E\u212aMAIL ", "İ\xff", "lock", "phone")
	f.Add("fraud", "x  y", "email", "suspicious")
	shape := regexp.MustCompile(`\A[a-z0-9_-]{3,255}\z`)
	f.Fuzz(func(t *testing.T, a, b, c, d string) {
		words := []string{a, b, c, d}
		for _, word := range words {
			once := identity.NormalizeLabel(word)
			if twice := identity.NormalizeLabel(once); twice != once {
				t.Fatalf("%q became %q, then %q", word, once, twice)
			}
		}
		label, violations := identity.NewLabel(a, b)
		taken := shape.MatchString(identity.NormalizeLabel(a)) && shape.MatchString(identity.NormalizeLabel(b))
		if taken != (violations == nil) || taken && (label.Key != identity.NormalizeLabel(a) || label.Value != identity.NormalizeLabel(b)) {
			t.Fatalf("%q: %q gives %+v, %v", a, b, label, violations)
		}

		var labels []identity.Label
		for i, word := range words {
			scope := []string{identity.ScopePrivate, identity.ScopePublic}[len(word)%2]
			labels = append(labels, identity.Label{Key: identity.NormalizeLabel(word), Value: identity.NormalizeLabel(words[(i+1)%4]), Scope: scope})
		}
		labels = append(labels, identity.Label{Key: "email", Value: "verified", Scope: identity.ScopePrivate})
		policy := identity.DefaultPolicy()
		policy.StateTriggers = append(policy.StateTriggers, identity.Trigger{State: "odd", Keys: []string{a, b + "*"}})
		level, state := policy.Level(labels), policy.State(labels)
		for range labels {
			labels = append(labels[1:], labels[0])
			reversed := slices.Clone(labels)
			slices.Reverse(reversed)
			for _, order := range [][]identity.Label{labels, reversed} {
				if policy.Level(order) != level || policy.State(order) != state {
					t.Fatalf("the order of %+v matters", labels)
				}
			}
		}
	})
}
