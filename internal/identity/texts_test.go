package identity_test

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"barong/internal/identity"
	"barong/internal/long"
)

func TestNamesOfPeopleAndPlacesAreTakenAsTheyAreWritten(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"St. Louis", "Washington, D.C.", "Frankfurt (Oder)", "O’Brien", "O'Brien", "O‘Brien", "Oʻahu", "Oʼzbekiston", "O`Brien", "O´Brien", "O＇Brien",
		"Jean–Luc", "Jean‑Luc", "Jean—Luc", "Jean−Luc", "Suresh s/o Raman", "Gal·la", "Gal\u0387la", "ジョン・スミス", "ｼﾞｮﾝ･ｽﾐｽ", "阿卜杜拉·买买提", "阿卜杜拉•买买提",
		"می\u200cخواهم", "क्\u200dष", "Louis Ⅳ", "Ⅱ世", "二〇三", "Smith & Sons", "東京都（本社）", "محمد_علي", "Nguyễn Thị Ánh", "Ⓐnna", "Jr., John",
	} {
		profile, violations := identity.NewProfile(identity.ProfileFields{FirstName: &name, LastName: &name, City: &name}, today)
		wantMessages(t, violations)
		if profile == nil || *profile.FirstName != name || *profile.City != name {
			t.Errorf("%q is kept as %+v", name, profile)
		}
	}
	for _, address := range []string{"中山路二〇三号", "№ 5", "½", "Straße 1 – 3, c/o \"Müller\" <2. OG>", "#12-34 @ Raffles", "خیابان می\u200cخواهم ۵", "1° de Mayo 5 €", "🏠 7"} {
		_, violations := identity.NewProfile(identity.ProfileFields{Address: &address}, today)
		wantMessages(t, violations)
	}
	for _, postcode := range []string{"100－0001", "100‐0001", "100ー0001", "D-10115", "１００", "12/34", "SW1Y 4JH", "०१२", "Ⅳ 2"} {
		_, violations := identity.NewProfile(identity.ProfileFields{Postcode: &postcode}, today)
		wantMessages(t, violations)
	}
	for _, none := range []string{"<b>", "A@B", "A;B", "A#", "A\u202eB", "A\u200bB", "A\u00adB", "A\x00", "A\xff", "A\ufffd", "😀", "№ 5", `A"B`, `A\B`, "A:B", "A+B", "A=B", "$"} {
		_, violations := identity.NewProfile(identity.ProfileFields{City: &none}, today)
		wantMessages(t, violations, `City only allows letters, digits "-", "'", and space`)
	}
}

// rubyWord reads the characters that Ruby's [[:word:]] matches.
func rubyWord(t *testing.T) map[rune]bool {
	t.Helper()
	content, err := os.ReadFile("testdata/ruby_word.txt")
	if err != nil {
		t.Fatal(err)
	}
	word := map[rune]bool{}
	for line := range strings.Lines(string(content)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		for _, each := range strings.Fields(line) {
			from, to, isRange := strings.Cut(each, "-")
			if !isRange {
				to = from
			}
			first, err := strconv.ParseInt(from, 16, 32)
			if err != nil {
				t.Fatal(err)
			}
			last, err := strconv.ParseInt(to, 16, 32)
			if err != nil {
				t.Fatal(err)
			}
			for r := first; r <= last; r++ {
				word[rune(r)] = true
			}
		}
	}
	return word
}

// An independent implementation of the rules for a profile's texts. White space other than U+0020,
// including control characters, becomes U+0020 before a rule applies.
func TestEveryCharacterOfUnicodeIsTakenOrRefusedByTheRuleOfItsField(t *testing.T) {
	long.Test(t)
	t.Parallel()
	word := rubyWord(t)
	if len(word) < 130_000 {
		t.Fatalf("Ruby's words have %d characters", len(word))
	}
	name := regexp.MustCompile(`^(?:[\p{L}\p{M}\p{N}\p{Pc}\p{Pd}\x{24B6}-\x{24E9}\x{1F130}-\x{1F149}\x{1F150}-\x{1F169}\x{1F170}-\x{1F189}` +
		`\x{2212}\x{2053}\x{207B}\x{208B}\x{2E40}\x{200C}\x{200D}.,/()&．，／（）＆'’‘‛` + "`" + `´′՚׳＇·\x{387}・･•]|[\s\p{Z}\x{85}])$`)
	postcode := regexp.MustCompile(`^(?:[\p{L}\p{M}\p{N}\p{Pd}\x{2212}\x{2053}\x{207B}\x{208B}/／]|[\s\p{Z}\x{85}])$`)
	address := regexp.MustCompile(`^(?:[\p{L}\p{M}\p{N}\p{P}\p{S}\x{200C}\x{200D}]|[\s\p{Z}\x{85}])$`)
	whiteSpace := regexp.MustCompile(`^[\s\p{Z}\x{85}\v]$`)
	taken := func(fields identity.ProfileFields) bool {
		_, violations := identity.NewProfile(fields, today)
		return len(violations) == 0
	}
	wrong := 0
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if !utf8.ValidRune(r) {
			continue
		}
		text := "a" + string(r) + "b"
		space := whiteSpace.MatchString(string(r))
		for _, rule := range []struct {
			field  string
			fields identity.ProfileFields
			want   bool
		}{
			{"a name", identity.ProfileFields{FirstName: &text}, space || name.MatchString(string(r))},
			{"a city", identity.ProfileFields{City: &text}, space || name.MatchString(string(r)) || word[r]},
			{"a postcode", identity.ProfileFields{Postcode: &text}, space || postcode.MatchString(string(r))},
			{"an address", identity.ProfileFields{Address: &text}, (space || address.MatchString(string(r)) || word[r]) && r != utf8.RuneError},
		} {
			if got := taken(rule.fields); got != rule.want {
				t.Errorf("%U %q in %s: taken is %t", r, r, rule.field, got)
				wrong++
			}
		}
		if wrong > 20 {
			t.Fatal("and more")
		}
	}
}

func TestKosovoIsACountryInNumbersAndInProfiles(t *testing.T) {
	t.Parallel()
	phone, violations := identity.ParsePhone("+383 44 123 456")
	wantMessages(t, violations)
	if phone.Country != "XK" {
		t.Errorf("the number is one of %q", phone.Country)
	}
	for _, country := range []string{"XK", "xk"} {
		_, violations := identity.NewProfile(identity.ProfileFields{Country: &country}, today)
		wantMessages(t, violations)
	}
	for _, none := range []string{"XX", "XKX", "EU"} {
		_, violations := identity.NewProfile(identity.ProfileFields{Country: &none}, today)
		wantMessages(t, violations, "Country must have alpha2 or alpha3 format")
	}
}
