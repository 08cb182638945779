package identity_test

import (
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"barong/internal/identity"
	"barong/internal/long"
)

func TestAllSpellingsOfOneMailboxHaveOneKey(t *testing.T) {
	t.Parallel()
	for key, spellings := range map[string][]string{
		"john.doe@example.com": {"John.DOE@Example.com", " john.doe@EXAMPLE.com\t", `"john.doe"@example.com`, `"JOHN\.doe"@example.com`, "john.doe@ｅｘａｍｐｌｅ.com"},
		"a@xn--bcher-kva.example": {
			"a@bücher.example", "a@bu\u0308cher.example", "A@BÜCHER.example", "a@BU\u0308CHER.EXAMPLE", "a@xn--bcher-kva.example", "a@XN--BCHER-KVA.example",
		},
		"élodie@b":                    {"e\u0301lodie@b", "Élodie@b", "E\u0301LODIE@B"},
		"почта@xn--e1afmkfd.xn--p1ai": {"почта@пример.рф", "ПОЧТА@ПРИМЕР.РФ", "почта@xn--e1afmkfd.рф"},
		"kelvin@b":                    {"\u212aelvin@b", "KELVIN@b"},
		"σοφοσ@b":                     {"σοφος@b", "ΣΟΦΟΣ@b"},
		"άι@b":                        {"α\u0345\u0301@b", "α\u0301\u0345@b", "ΆΙ@b"}, // marks in either order
		"straße@b":                    {"STRAẞE@b"},
		"a@xn--fa-hia.de":             {"a@faß.de", "a@FAẞ.de"},
		`"a..b"@docomo.ne.jp`:         {`"A..b"@DOCOMO.ne.jp`, `"\a.\.b"@docomo.ne.jp`},
		`"a@b \" \\"@c`:               {`"\a@b \" \\"@C`},
		"a@r3---sn.xn--bcher-kva":     {"a@r3---sn.bücher"},
		"i\u0307@b":                   {"İ@b", "I\u0307@b"},
	} {
		if again := identity.MailboxKey(key); again != key {
			t.Errorf("the key of the key %q is %q", key, again)
		}
		for _, spelling := range spellings {
			if got := identity.MailboxKey(spelling); got != key {
				t.Errorf("the key of %q is %q, want %q", spelling, got, key)
			}
		}
	}
}

func TestMailboxesThatDifferHaveTwoKeys(t *testing.T) {
	t.Parallel()
	for _, c := range [][2]string{
		{"a@faß.de", "a@fass.de"},
		{"straße@b", "strasse@b"},
		{"i@b", "ı@b"},
		{"i@b", "İ@b"},
		{"e@b", "é@b"},
		{"a@bücher.example", "a@bucher.example"},
		{"a.b@c", "ab@c"},
		{"a+b@c", "a@c"},
		{`"a b"@c`, `"ab"@c`},
		{`"a..b"@c`, "a.b@c"},
		{`"a@b"@c`, "a@c"},
		{"ａ@b", "a@b"},
		{"παί@b", "πάι@b"},
	} {
		if key := identity.MailboxKey(c[0]); key == identity.MailboxKey(c[1]) {
			t.Errorf("%q and %q have one key, %q", c[0], c[1], key)
		}
	}
}

func TestEveryCharacterOfALocalPartHasOneKeyInAllCasesAndForms(t *testing.T) {
	long.Test(t)
	t.Parallel()
	for r := rune(1); r <= unicode.MaxRune; r++ {
		if !utf8.ValidRune(r) || unicode.IsSpace(r) {
			continue
		}
		s := "x" + string(r) + "x@b"
		key := identity.MailboxKey(s)
		if again := identity.MailboxKey(key); again != key {
			t.Errorf("%U became %q, then %q", r, key, again)
		}
		if other := "x" + string(unicode.SimpleFold(r)) + "x@b"; identity.MailboxKey(other) != key {
			t.Errorf("%U and %U have two keys", r, unicode.SimpleFold(r))
		}
		if folded := identity.MailboxKey(identity.FoldEmail(s)); folded != key {
			t.Errorf("%U has the key %q, and its folded form %q", r, key, folded)
		}
		if r < utf8.RuneSelf && key != identity.FoldEmail(s) {
			t.Errorf("%q has the key %q, which is not its folded form", s, key)
		}
	}
}

func TestTheKeyOfALongAddressIsMadeInLinearTime(t *testing.T) {
	var different []rune // Punycode takes a step for each of them, over all of them
	for r := rune(0x3400); len(different) < 150_000; r++ {
		if r = max(r%0xd700, 0x3400); unicode.IsLetter(r) {
			different = append(different, r)
		}
	}
	for _, s := range []string{
		"a@" + string(different), string(different) + "@b", "a@" + strings.Repeat("ü.", 1<<17), "\"" + strings.Repeat(`\"`, 1<<17) + "\"@b",
	} {
		if took := cpuTime(t, 3*time.Second, func() { identity.MailboxKey(s) }); took > 3*time.Second {
			t.Errorf("%.10q… took %v", s, took)
		}
	}
}

func FuzzMailboxKey(f *testing.F) {
	for _, seed := range []string{"a@bücher.example", "a@xn--bcher-kva.example", "É.l@exämple.fr", `"a..b"@docomo.ne.jp`, "α\u0345\u0301@b", "a@\u0301", "\xff\x00@b", "a@-ß-.xn--"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		key := identity.MailboxKey(s)
		if again := identity.MailboxKey(key); again != key {
			t.Fatalf("the key of %q is %q, and of that %q", s, key, again)
		}
		if !utf8.ValidString(key) || strings.ContainsRune(key, 0) {
			t.Fatalf("the key of %q is %q, which no database holds", s, key)
		}
	})
}
