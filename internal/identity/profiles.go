package identity

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"barong/internal/problem"
)

// States of a profile.
const (
	ProfilePartial   = "partial"
	ProfileCompleted = "completed"
)

// Profile is who the user says to be. A field that was not given is nil.
type Profile struct {
	FirstName *string
	LastName  *string
	DOB       *time.Time // a date: midnight UTC
	Address   *string
	Postcode  *string
	City      *string
	Country   *string
	State     string
	Metadata  []byte // a JSON object, or nil
}

// ProfileFields are the fields of a profile as they were given; nil where one was
// not, and a blank one counts as not given.
type ProfileFields struct {
	FirstName *string
	LastName  *string
	DOB       *string // YYYY-MM-DD
	Address   *string
	Postcode  *string
	City      *string
	Country   *string // ISO 3166-1 alpha-2 or alpha-3, any case, kept as given
}

// textRule says what may stand in a field of free text.
type textRule struct {
	field   string // the parameter
	name    string // how sentences call it
	allows  func(rune) bool
	allowed string // what allows lets through, in words
	min     int    // characters; the maximum is 255 everywhere
}

const (
	maxProfileText = 255 // characters
	nameCharacters = `letters, digits "-", "'", and space`
)

var (
	firstNameRule = textRule{"first_name", "First name", isNameRune, nameCharacters, 1}
	lastNameRule  = textRule{"last_name", "Last name", isNameRune, nameCharacters, 1}
	cityRule      = textRule{"city", "City", isNameRune, nameCharacters, 1}
	postcodeRule  = textRule{"postcode", "Postcode", isPostcodeRune, `letters, digits, "-" and space`, 2}
	addressRule   = textRule{"address", "Address", isAddressRune, nameCharacters, 1}

	dobInvalid     = problem.Violation{Field: "dob", Code: "dob_invalid", Message: "Dob is invalid"}
	countryInvalid = problem.Violation{Field: "country", Code: "country_invalid", Message: "Country must have alpha2 or alpha3 format"}
)

// NewProfile makes a profile of the fields that were given, and nothing of none.
// White space is trimmed and collapsed before anything is checked. The profile is
// completed when all seven are there. today is any moment of the present day; a
// date of birth after that day (UTC) is refused. Violations come field by field:
// first name, last name, date of birth, city, country, postcode, address; of one
// field, characters before length. With violations there is no profile.
func NewProfile(f ProfileFields, today time.Time) (*Profile, []problem.Violation) {
	dob := given(f.DOB)
	p := &Profile{
		FirstName: given(f.FirstName),
		LastName:  given(f.LastName),
		Address:   given(f.Address),
		Postcode:  given(f.Postcode),
		City:      given(f.City),
		Country:   given(f.Country),
	}

	violations := firstNameRule.check(p.FirstName)
	violations = append(violations, lastNameRule.check(p.LastName)...)
	if dob != nil {
		date, err := time.Parse(time.DateOnly, *dob)
		if err != nil || date.After(today) {
			violations = append(violations, dobInvalid)
		}
		p.DOB = &date
	}
	violations = append(violations, cityRule.check(p.City)...)
	if p.Country != nil && !isCountryCode(*p.Country) {
		violations = append(violations, countryInvalid)
	}
	violations = append(violations, postcodeRule.check(p.Postcode)...)
	violations = append(violations, addressRule.check(p.Address)...)
	if violations != nil {
		return nil, violations
	}

	fields := []*string{p.FirstName, p.LastName, dob, p.City, p.Country, p.Postcode, p.Address}
	present := 0
	for _, field := range fields {
		if field != nil {
			present++
		}
	}
	switch present {
	case 0:
		return nil, nil
	case len(fields):
		p.State = ProfileCompleted
	default:
		p.State = ProfilePartial
	}
	return p, nil
}

// LabelValue is the value of the private label "profile" that the profile gives
// to its user.
func (p *Profile) LabelValue() string {
	if p.State == ProfileCompleted {
		return "verified"
	}
	return "partial"
}

// given returns a field without superfluous white space, and nil for a blank one.
func given(field *string) *string {
	if field == nil {
		return nil
	}
	text := collapse(*field)
	if text == "" {
		return nil
	}
	return &text
}

func (rule textRule) check(field *string) []problem.Violation {
	if field == nil {
		return nil
	}
	var violations []problem.Violation
	broken := func(code, message string) {
		violations = append(violations, problem.Violation{Field: rule.field, Code: rule.field + "_" + code, Message: rule.name + " " + message})
	}
	if strings.ContainsFunc(*field, func(r rune) bool { return !rule.allows(r) }) {
		broken("invalid", "only allows "+rule.allowed)
	}
	length := utf8.RuneCountInString(*field)
	if length < rule.min {
		broken("too_short", fmt.Sprintf("is too short (minimum is %d characters)", rule.min))
	}
	if length > maxProfileText {
		broken("too_long", fmt.Sprintf("is too long (maximum is %d characters)", maxProfileText))
	}
	return violations
}

// What stands between the words of names, in the widths that people type it in. The
// apostrophes that Unicode calls letters are words themselves.
const (
	apostrophes     = "'’‘‛`´′՚׳＇"
	nameMarks       = ".,/()&．，／（）＆"
	interwordPoints = "·\u0387・･•" // of Catalan (and its canonical equivalent), of Katakana in both widths, and of Chinese
)

func isNameRune(r rune) bool {
	return isWord(r) || r == ' ' || isDash(r) || isJoiner(r) || strings.ContainsRune(apostrophes+nameMarks+interwordPoints, r)
}

func isPostcodeRune(r rune) bool {
	return unicode.In(r, unicode.L, unicode.M, unicode.N) || r == ' ' || isDash(r) || r == '/' || r == '／'
}

// isAddressRune takes whatever can be printed. Text that lost characters on its way
// has U+FFFD in their place.
func isAddressRune(r rune) bool {
	return unicode.IsPrint(r) && r != utf8.RuneError || isJoiner(r)
}
