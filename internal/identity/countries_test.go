package identity

import (
	"regexp"
	"strings"
	"testing"
)

func TestTableHasEveryCountryOfISO3166Once(t *testing.T) {
	t.Parallel()
	if len(countries) != 249 {
		t.Errorf("%d countries, and ISO 3166-1 has 249", len(countries))
	}
	seen := map[string]string{}
	for alpha2, alpha3 := range countries {
		if !regexp.MustCompile(`^[A-Z]{2} [A-Z]{3}$`).MatchString(alpha2 + " " + alpha3) {
			t.Errorf("%q %q are no codes", alpha2, alpha3)
		}
		if other, ok := seen[alpha3]; ok {
			t.Errorf("%s stands with %s and with %s", alpha3, alpha2, other)
		}
		seen[alpha3] = alpha2
	}
}

func TestCountryCodesAreThoseInForceInAnyCase(t *testing.T) {
	t.Parallel()
	for _, code := range strings.Fields("US us Us USA usa uSa GB GBR UA UKR DE DEU CH CHE SS SSD RS SRB ME MNE TL TLS CW CUW SX SXM BQ BES AX ALA ZW ZWE XK xk") {
		if !isCountryCode(code) {
			t.Errorf("%s is a country", code)
		}
	}
	for _, code := range []string{
		"", "U", "USAA", "840", "XX", "ZZ", "ZZZ", "AA", "QM", // unassigned, or for private use
		"UK", "EU", "XKX", "EL", "SU", "YU", "CS", "AN", "DD", "TP", "ZR", "BU", "SCG", "ANT", // reserved or withdrawn
		"U S", " US", "US ", "U\x00", "\xff\xff", "ıt", "ſe", "ﬁ",
	} {
		if isCountryCode(code) {
			t.Errorf("%q is not a country", code)
		}
	}
}
