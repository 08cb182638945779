package identity_test

import (
	"regexp"
	"strings"
	"testing"

	"barong/internal/identity"
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
		"+39 02 1234 5678":            {Country: "IT", Number: "390212345678"}, // the zero is part of the number
		"+7 701 511 1234":             {Country: "KZ", Number: "77015111234"},
		"+800 1234 5678":              {Country: "001", Number: "80012345678"},
		"+383 44 123 456":             {Country: "XK", Number: "38344123456"},

		"\u202a+1 (415) 555\u20112671\u202c":       {Country: "US", Number: "14155552671"}, // as contact lists paste it
		"+1\u200b415\u00ad555\ufeff26\u206071":     {Country: "US", Number: "14155552671"},
		"\u200e\u200f\u2068001 415 555 2671\u2069": {Country: "US", Number: "14155552671"},
		"+1 （415） 555－2671":                        {Country: "US", Number: "14155552671"},
		"＋１［４１５］５５５．２６／７１":                         {Country: "US", Number: "14155552671"},
		"+1 ﹙415﹚ 555 2671":                        {Country: "US", Number: "14155552671"},
		"(00) 1 415 555 2671":                      {Country: "US", Number: "14155552671"},
		"1-415-555-2671":                           {Country: "US", Number: "14155552671"},
		"203 451 7190":                             {Country: "EG", Number: "2034517190"}, // Barong's form: the country code comes first

		"+229 01 97 00 00 00": {Country: "BJ", Number: "2290197000000"}, // ten digits since 2024
		"+225 07 07 12 34 56": {Country: "CI", Number: "2250707123456"}, // ten digits since 2021
		"+52 55 1234 5678":    {Country: "MX", Number: "525512345678"},
		"+54 11 15 2345 6789": {Country: "AR", Number: "5491123456789"},
		"+55 11 98123 4567":   {Country: "BR", Number: "5511981234567"},
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
		"(203) 451-7190", "（203）451-7190", "[203] 451-7190", "0203 451 7190", "٠٢٠٣٤٥١٧١٩٠", "\u200e(203) 451-7190", "44 (0)20 7946 0958",
		"+229 97 00 00 00", "+225 07 12 34 56", "+52 1 55 1234 5678", "+55 11 8123 4567", // from before a renumbering
		"{203} 451-7190", "+1 415 555 2671\ufe0f\u20e3",
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

func TestANumberInANationalSpellingIsReadByThePlanOfItsCountryOrRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ country, given, want string }{
		{"US", "(203) 451-7190", "12034517190"},
		{"US", "（203）４５１－7190", "12034517190"},
		{"US", "\u202a(203)\u00a0451\u20117190\u202c", "12034517190"},
		{"US", "(1) 203 451 7190", "12034517190"},
		{"US", "+44 (0)20 7946 0958", "442079460958"},
		{"US", "0044 20 7946 0958", "442079460958"},
		{"US", "011 44 20 7946 0958", "442079460958"}, // how to dial abroad from the United States
		{"US", "442079460958", "442079460958"},
		{"US", "2034517190", "2034517190"}, // digits alone are an international number, for any country
		{"GB", "020 7946 0958", "442079460958"},
		{"GB", "(020) 7946 0958", "442079460958"},
		{"GB", "٠٢٠٧٩٤٦٠٩٥٨", "442079460958"},
		{"IT", "02 1234 5678", "390212345678"},
		{"AR", "011 15 2345 6789", "5491123456789"},
		{"XK", "044 123 456", "38344123456"},
		{"FR", "(203) 451-7190", ""},
		{"US", "(203) 451-719", ""},
		{"US", "0", ""},
		{"US", "()", ""},
		{"US", "(203) 451-7190 ext 5", ""},
		{"US", "(800) FLOWERS", ""},
	} {
		policy := identity.Policy{PhoneCountry: c.country}
		phone, violations := policy.ParsePhone(c.given)
		if phone.Number != c.want || (c.want == "") != (len(violations) > 0) {
			t.Errorf("%s: %q became %q, want %q", c.country, c.given, phone.Number, c.want)
		}
	}
}

func TestThePhoneCountryHasANumberingPlan(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{"": "", "US": "US", "gb": "GB", "XK": "XK", "Kz": "KZ"} {
		if got, err := identity.ParsePhoneCountry(given); got != want || err != nil {
			t.Errorf("%q gives %q, %v", given, got, err)
		}
	}
	for _, given := range []string{"USA", "UK", "1", "+1", " US", "001", "ZZ", "AQ", "ß"} {
		if got, err := identity.ParsePhoneCountry(given); err == nil {
			t.Errorf("%q gives %q", given, got)
		}
	}
}
