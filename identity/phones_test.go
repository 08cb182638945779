package identity_test

import (
	"regexp"
	"strings"
	"testing"

	"barong/identity"
)

func TestEverySpellingOfANumberIsThatNumber(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]identity.Phone{
		"+14155552671":                {Country: "US", Number: "14155552671"},
		"14155552671":                 {Country: "US", Number: "14155552671"},
		"0014155552671":               {Country: "US", Number: "14155552671"},
		"00 1 (415) 555-2671":         {Country: "US", Number: "14155552671"},
		"+1 (415) 555-2671":           {Country: "US", Number: "14155552671"},
		"(+1) 415.555.2671":           {Country: "US", Number: "14155552671"},
		" +1\u00a0415\u2011555–2671 ": {Country: "US", Number: "14155552671"},
		"＋１４１５５５５２６７１":                {Country: "US", Number: "14155552671"},
		"+١٤١٥٥٥٥٢٦٧١":                {Country: "US", Number: "14155552671"},
		"+1 604 555 0123":             {Country: "CA", Number: "16045550123"},
		"+44 (0)20 7946 0958":         {Country: "GB", Number: "442079460958"},
		"44 20 7946 0958":             {Country: "GB", Number: "442079460958"},
		"380 97 123 4567":             {Country: "UA", Number: "380971234567"},
		"+49 30/901820":               {Country: "DE", Number: "4930901820"},
		"+39 02 1234 5678":            {Country: "IT", Number: "390212345678"}, // the zero belongs to it
		"+7 701 511 1234":             {Country: "KZ", Number: "77015111234"},
		"+800 1234 5678":              {Country: "001", Number: "80012345678"},
	} {
		got, violations := identity.ParsePhone(given)
		wantMessages(t, violations)
		if got != want {
			t.Errorf("%q became %+v, want %+v", given, got, want)
		}
	}
}

func TestWhatIsNoNumberIsInvalid(t *testing.T) {
	t.Parallel()
	for _, given := range []string{
		"", " ", "+", "00", "0", "++14155552671", "+1+4155552671", "1+4155552671", "+ +14155552671",
		"+1 415 555 267", "+1 415 555 26711", "4155552671", "020 7946 0958", "00004155552671", "+999 123456789", "+1 000 000 0000",
		"+1 800 FLOWERS", "+1415555267l", "+14155552671 ext 5", "+14155552671;ext=5", "+14155552671x5", "+14155552671#5", "tel:+14155552671",
		"+14155552671,5", "+14155552671*", "+1415555267\x00", "+1415555267\xff1", "+१४१५५५५२६७१", "+1४4155552671", "phone",
		"911", "+911", strings.Repeat("1", 128), "+14155552671" + strings.Repeat(" ", 1<<20),
	} {
		phone, violations := identity.ParsePhone(given)
		wantMessages(t, violations, "Number is invalid")
		if phone != (identity.Phone{}) {
			t.Errorf("%.40q is refused and yet gives %+v", given, phone)
		}
	}
}

func FuzzParsePhone(f *testing.F) {
	for _, seed := range []string{"+1 (415) 555-2671", "00442079460958", "+39 06 6982", "＋１４１５５５５２６７１", "+54 9 11 1234 5678", "+800 1234 5678"} {
		f.Add(seed)
	}
	stored := regexp.MustCompile(`^[1-9][0-9]{4,16}$`)
	country := regexp.MustCompile(`^(?:[A-Z]{2}|001)$`)
	f.Fuzz(func(t *testing.T, s string) {
		phone, violations := identity.ParsePhone(s)
		if violations != nil {
			return
		}
		if !stored.MatchString(phone.Number) || !country.MatchString(phone.Country) || phone.ValidatedAt != nil {
			t.Fatalf("%q became %+v", s, phone)
		}
		for _, prefix := range []string{"", "+", "00"} {
			if again, violations := identity.ParsePhone(prefix + phone.Number); violations != nil || again != phone {
				t.Fatalf("%q became %+v, and that with %q before it %+v", s, phone, prefix, again)
			}
		}
	})
}
