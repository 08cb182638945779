package identity

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"barong/internal/problem"

	"github.com/nyaruka/phonenumbers"
)

// Phone is a phone number of a user.
type Phone struct {
	Country     string // ISO 3166-1 alpha-2, upper case; a world code for numbers without a country
	Number      string // E.164 digits without the plus
	ValidatedAt *time.Time

	// CreatedAt and UpdatedAt are set by imports and by new phones, and read by exports only.
	CreatedAt, UpdatedAt time.Time
}

// maxPhoneSpelling limits the length, in bytes, of a spelling of up to 15 digits.
const maxPhoneSpelling = 128

// PhoneTaken is reported when another user has validated the number.
var PhoneTaken = problem.Violation{Field: "phone", Code: "phone_taken", Message: "Number has already been taken"}

var phoneInvalid = problem.Violation{Field: "phone", Code: "phone_invalid", Message: "Number is invalid"}

// ParsePhone parses an international number: with a plus, 00 or nothing before the country code, in
// European, Arabic or full-width digits. White space, dashes, dots, slashes, brackets of any width
// and invisible format characters (category Cf), which contact lists paste, are ignored. The number
// must be assigned in the current numbering plan of its country: numbers from before a renumbering
// are rejected, as are extensions, letters for digits, and numbers in a national spelling (see
// [Policy.ParsePhone]). ValidatedAt stays nil: a number that exists need not be the user's.
func ParsePhone(s string) (Phone, []problem.Violation) { return Policy{}.ParsePhone(s) }

// ParsePhone is like the function [ParsePhone], but also parses a number in a national spelling,
// with brackets or a leading 0 and neither plus nor 00, by the numbering plan of the policy's
// PhoneCountry. Without PhoneCountry such a number is rejected: parsed as an international one, it
// would be the number of another person.
func (p Policy) ParsePhone(s string) (Phone, []problem.Violation) {
	spelt, ok := readPhone(s)
	if !ok || spelt.national && p.PhoneCountry == "" {
		return Phone{}, []problem.Violation{phoneInvalid}
	}
	written, plan := "+"+spelt.digits, ""
	if spelt.national {
		written, plan = spelt.digits, p.PhoneCountry
	}
	number, err := phonenumbers.Parse(written, plan)
	if err != nil {
		return Phone{}, []problem.Violation{phoneInvalid}
	}
	country := phonenumbers.GetRegionCodeForNumber(number)
	if !phonenumbers.IsValidNumberForRegion(number, country) {
		return Phone{}, []problem.Violation{phoneInvalid}
	}
	return Phone{
		Country: country,
		Number:  strings.TrimPrefix(phonenumbers.Format(number, phonenumbers.E164), "+"),
	}, nil
}

// ParsePhoneCountry returns the configured country of national numbers in upper case; an empty one
// stays empty. It must be an ISO 3166-1 alpha-2 code, or XK, of a country with a numbering plan;
// anything else is an error.
func ParsePhoneCountry(s string) (string, error) {
	country := strings.ToUpper(s)
	if s != "" && (len(s) != 2 || !isCountryCode(country) || phonenumbers.GetCountryCodeForRegion(country) == 0) {
		return "", fmt.Errorf("the country of phone numbers is an ISO 3166-1 alpha-2 code such as US, not %q", s)
	}
	return country, nil
}

// PhoneDigits returns the digits of a number, the country code first. For most spellings they equal
// the Number of [ParsePhone], which takes thirty times as long, so a search may try them first. It
// returns false where s is not a number, or is in a national spelling.
func PhoneDigits(s string) (string, bool) {
	spelt, ok := readPhone(s)
	if !ok || spelt.national {
		return "", false
	}
	return spelt.digits, true
}

// spelling is a number without the ignored characters.
type spelling struct {
	digits   string // in ASCII, without the 00 that introduces the country code
	written  string // all digits, in ASCII
	national bool   // otherwise the number begins with the country code
}

// readPhone returns false where s contains something that no spelling has.
func readPhone(s string) (spelling, bool) {
	if len(s) > maxPhoneSpelling {
		return spelling{}, false
	}
	var digits strings.Builder
	plus, brackets := false, false
	for _, r := range s {
		switch {
		case unicode.IsDigit(r):
			digit := phonenumbers.NormalizeDigitsOnly(string(r))
			if len(digit) != 1 { // digits of a script that the library does not know are unchanged
				return spelling{}, false
			}
			digits.WriteString(digit)
		case unicode.IsSpace(r), unicode.Is(unicode.Cf, r), isDash(r):
		default:
			switch asciiOf(r) {
			case '+':
				if plus || digits.Len() > 0 {
					return spelling{}, false
				}
				plus = true
			case '(', ')', '[', ']':
				brackets = true
			case '.', '/':
			default:
				return spelling{}, false
			}
		}
	}
	number := digits.String()
	switch {
	case plus:
		return spelling{digits: number, written: number}, true
	case strings.HasPrefix(number, "00"):
		return spelling{digits: number[2:], written: number}, true
	default:
		return spelling{digits: number, written: number, national: brackets || strings.HasPrefix(number, "0")}, true
	}
}
