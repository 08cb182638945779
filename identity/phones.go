package identity

import (
	"strings"
	"time"
	"unicode"

	"github.com/nyaruka/phonenumbers"
)

// Phone is a number that belongs to a user.
type Phone struct {
	Country     string // ISO 3166-1 alpha-2, upper-case; a region's world code for numbers without a country
	Number      string // E.164 digits without the plus
	ValidatedAt *time.Time
}

// maxPhoneSpelling bounds, in bytes, how generously 15 digits can be spelled.
const maxPhoneSpelling = 128

// PhoneTaken is reported when the unique index finds the validated number on another user.
var PhoneTaken = Violation{Field: "phone", Code: "phone_taken", Message: "Number has already been taken"}

var phoneInvalid = Violation{Field: "phone", Code: "phone_invalid", Message: "Number is invalid"}

// ParsePhone reads any spelling of an international number: with a plus, 00 or
// nothing before the country code, with spaces, brackets, dots, dashes and
// slashes, in European, Arabic or full-width digits. The number must be one that
// the numbering plan of its country has given out; extensions and letters for
// digits are refused. ValidatedAt stays nil: knowing that a number exists is not
// knowing whose it is.
func ParsePhone(s string) (Phone, []Violation) {
	digits, ok := PhoneDigits(s)
	if !ok {
		return Phone{}, []Violation{phoneInvalid}
	}
	number, err := phonenumbers.Parse("+"+digits, "")
	if err != nil {
		return Phone{}, []Violation{phoneInvalid}
	}
	country := phonenumbers.GetRegionCodeForNumber(number)
	if !phonenumbers.IsValidNumberForRegion(number, country) {
		return Phone{}, []Violation{phoneInvalid}
	}
	return Phone{
		Country: country,
		Number:  strings.TrimPrefix(phonenumbers.Format(number, phonenumbers.E164), "+"),
	}, nil
}

// PhoneDigits strips the spelling off the digits, the country code first. In most
// spellings they are the Number that [ParsePhone] would give, which a search may try
// before it asks the numbering plan, at thirty times the price. false where s is no
// number at all.
func PhoneDigits(s string) (string, bool) {
	if len(s) > maxPhoneSpelling {
		return "", false
	}
	var digits strings.Builder
	plus := false
	for _, r := range s {
		switch {
		case unicode.IsDigit(r):
			digit := phonenumbers.NormalizeDigitsOnly(string(r))
			if len(digit) != 1 { // a script that the library does not know comes back as it was
				return "", false
			}
			digits.WriteString(digit)
		case r == '+' || r == '＋':
			if plus || digits.Len() > 0 {
				return "", false
			}
			plus = true
		case unicode.IsSpace(r), unicode.Is(unicode.Pd, r), strings.ContainsRune("()[]./−", r):
		default:
			return "", false
		}
	}
	if plus {
		return digits.String(), true
	}
	return strings.TrimPrefix(digits.String(), "00"), true
}
