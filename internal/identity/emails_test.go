package identity_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"barong/internal/identity"
)

func TestEmailIsTrimmedAndOtherwiseKeptAsGiven(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("l", 64) + "@" + strings.Repeat(strings.Repeat("d", 62)+".", 3) // 64 + 1 + 189
	for given, want := range map[string]string{
		"a@b":                          "a@b",
		"admin@barong.io":              "admin@barong.io",
		" John.Doe@Example.COM\t\n":    "John.Doe@Example.COM",
		"\u00a0a@b\u3000":              "a@b",
		"!#$%&'*+/=?^_`{|}~-@b":        "!#$%&'*+/=?^_`{|}~-@b",
		"o'neil+tag@sub.example.co.uk": "o'neil+tag@sub.example.co.uk",
		"user@xn--bcher-kva.example":   "user@xn--bcher-kva.example",
		"Élodie@exämple.fr":            "Élodie@exämple.fr",
		"почта@пример.рф":              "почта@пример.рф",
		"नमस्ते@उदाहरण.भारत": "नमस्ते@उदाहरण.भारत",
		"1@2":                                 "1@2",
		`"a..b"@docomo.ne.jp`:                 `"a..b"@docomo.ne.jp`,
		`".a."@docomo.ne.jp`:                  `".a."@docomo.ne.jp`,
		`"a b@c \" \\ \a ü"@d`:                `"a b@c \" \\ \a ü"@d`,
		`""@b`:                                `""@b`,
		`"` + strings.Repeat("l", 62) + `"@b`: `"` + strings.Repeat("l", 62) + `"@b`,
		"a@1.2.3.4":                           "a@1.2.3.4",
		strings.Repeat("l", 64) + "@b":        strings.Repeat("l", 64) + "@b",
		"a@" + strings.Repeat("d", 63):        "a@" + strings.Repeat("d", 63),
		long[:253] + "x":                      long[:253] + "x",
	} {
		got, violations := identity.ParseEmail(given)
		wantMessages(t, violations)
		if got != want {
			t.Errorf("%q became %q, want %q", given, got, want)
		}
	}
}

func TestWhatIsNoEmailIsInvalid(t *testing.T) {
	t.Parallel()
	for _, given := range []string{
		"", " ", "@", "a@", "@b", "bad_email", "a..b@c.com", ".a@b.com", "a.@b.com",
		"a@b@c", "a b@c", "a@b c", "a\n@b", "a@b\x00", "\x00a@b", "a\x7f@b", "a\u0085b@c", "\xffa@b", "a@\xc3\x28",
		"a@.b", "a@b.", "a@b..c", "a@-b", "a@b-", "a@b.-c", "a@b_c", "a@b!", "a@\u0301b",
		`"a"b@c`, `"a@b`, `a"@b`, `"@b`, `"a"b"@c`, `"a\"@b`, `"a` + "\n" + `"@b`, `"a` + "\x00" + `"@b`, `"a\é"@b`, `"😀"@b`, "\"\xff\"@b", `"a"."b"@c`, `"a".b@c`,
		`"` + strings.Repeat("l", 63) + `"@b`, `"a@b"`, `"a"@`, "a(comment)@b", "a@[127.0.0.1]", "Joe <a@b>", "<a@b>", "a@b, c@d", "a;b@c", `a\b@c`, "a:b@c",
		"a\u200b@b", "a\u202e@b", "😀@b",
		strings.Repeat("l", 65) + "@b",
		strings.Repeat("é", 33) + "@b", // 66 octets
		"a@" + strings.Repeat("d", 64),
		"a@" + strings.Repeat("é", 32),
		"a@" + strings.Repeat(strings.Repeat("d", 62)+".", 4) + "c", // 255
		strings.Repeat("a.", 1<<20) + "@b",
	} {
		email, violations := identity.ParseEmail(given)
		wantMessages(t, violations, "Email is invalid")
		if email != "" {
			t.Errorf("%q is refused and yet gives %q", given, email)
		}
	}
}

func TestEmailsThatDifferInCaseOnlyHaveOneKey(t *testing.T) {
	t.Parallel()
	for _, same := range [][]string{
		{"john@example.com", "JOHN@EXAMPLE.COM", " John@Example.Com "},
		{"élodie@b", "ÉLODIE@B"},
		{"kelvin@b", "\u212aelvin@b", "KELVIN@b"}, // the Kelvin sign
		{"σοφος@b", "σοφοσ@b", "ΣΟΦΟΣ@b"},
		{"sam@b", "\u017fam@b"}, // the long s
		{"straße@b", "STRAẞE@b"},
		{"ǆ@b", "ǅ@b", "Ǆ@b"},
	} {
		for _, other := range same[1:] {
			if identity.FoldEmail(same[0]) != identity.FoldEmail(other) {
				t.Errorf("%q and %q have two keys: %q, %q", same[0], other, identity.FoldEmail(same[0]), identity.FoldEmail(other))
			}
		}
	}
	for _, other := range []string{"ı@b", "İ@b", "j@b", "ï@b"} {
		if identity.FoldEmail("i@b") == identity.FoldEmail(other) {
			t.Errorf("i@b and %q have one key", other)
		}
	}
	if identity.FoldEmail("strasse@b") == identity.FoldEmail("straße@b") {
		t.Error("strasse@b and straße@b have one key")
	}
	if got := identity.FoldEmail(" John.DOE@Example.com"); got != "john.doe@example.com" {
		t.Errorf("the key of an ASCII address is %q, not its lower case", got)
	}
}

func TestEveryCharacterFoldsAsUnicodeSaysAndOnlyOnce(t *testing.T) {
	t.Parallel()
	for r := rune(1); r <= unicode.MaxRune; r++ {
		if !utf8.ValidRune(r) {
			continue
		}
		s := "x" + string(r) + "x"
		key := identity.FoldEmail(s)
		if !strings.EqualFold(key, s) {
			t.Errorf("%U became %q, which is another character", r, key)
		}
		if again := identity.FoldEmail(key); again != key {
			t.Errorf("%U became %q, then %q", r, key, again)
		}
		if other := "x" + string(unicode.SimpleFold(r)) + "x"; identity.FoldEmail(other) != key {
			t.Errorf("%U and %U have two keys", r, unicode.SimpleFold(r))
		}
	}
}

func TestWhatNoEmailContainsIsLookedUpInVain(t *testing.T) {
	t.Parallel()
	for _, given := range []string{"a\x00@b", "a\xff@b"} {
		if key := identity.FoldEmail(given); !utf8.ValidString(key) || strings.Contains(key, "\x00") || key == "a@b" {
			t.Errorf("the key of %q is %q", given, key)
		}
	}
}

func FuzzParseEmail(f *testing.F) {
	for _, seed := range []string{"a@b", "É.l@exämple.fr", "a..b@c", " A@B ", "İ@K", "a\x00@b", "\xff@b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		key := identity.FoldEmail(s)
		if again := identity.FoldEmail(key); again != key {
			t.Fatalf("the key of %q is %q, and of that %q", s, key, again)
		}
		email, violations := identity.ParseEmail(s)
		if (email == "") != (len(violations) > 0) {
			t.Fatalf("%q gives %q and %v", s, email, violations)
		}
		if violations != nil {
			return
		}
		if again, violations := identity.ParseEmail(email); violations != nil || again != email {
			t.Fatalf("%q was taken as %q, which gives %q, %v", s, email, again, violations)
		}
		if len(email) > 254 || !utf8.ValidString(email) || strings.ContainsFunc(email, unicode.IsControl) || strings.Count(email, "@") != 1 && email[0] != '"' {
			t.Fatalf("%q was taken", s)
		}
		if key != identity.FoldEmail(email) || strings.ContainsRune(key, utf8.RuneError) {
			t.Fatalf("%q would not be found under what was given", email)
		}
	})
}
