package identity

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"barong/internal/problem"
)

// States of a profile: whether it has all fields.
const (
	ProfilePartial   = "partial"
	ProfileCompleted = "completed"
)

// Profile is the declared identity of a user. An absent field is nil.
type Profile struct {
	FirstName *string
	LastName  *string
	DOB       *time.Time // a date: midnight UTC
	Address   *string
	Postcode  *string
	City      *string
	Country   *string
	State     string
	Review    string // drafted, submitted, verified or rejected
	Number    int    // among the profiles of the user, from 1
	Metadata  []byte // a JSON object, or nil

	CreatedAt, UpdatedAt time.Time
}

// ProfileFields are the fields of a profile as given; nil for an absent one. A blank field counts
// as absent.
type ProfileFields struct {
	FirstName *string
	LastName  *string
	DOB       *string // YYYY-MM-DD
	Address   *string
	Postcode  *string
	City      *string
	Country   *string // ISO 3166-1 alpha-2 or alpha-3, any case, kept as given
}

// textRule defines the accepted content of a text field.
type textRule struct {
	field   string // the parameter
	name    string // its name in messages
	allows  func(rune) bool
	allowed string // the characters of allows, in words
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

// NewProfile makes a profile of the given fields, and returns nil without any. It trims and
// collapses white space before the checks. The profile is completed when all seven fields are
// present. today is any time of the current day; a date of birth after that day (UTC) is rejected.
// Violations come by field: first name, last name, date of birth, city, country, postcode, address.
// Within a field, characters precede length. With violations there is no profile.
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

// LabelValue returns the value of the private label "profile" that a user gets who is imported with
// the profile and no review.
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

// Characters between the words of names, in all widths that people type. The apostrophes that
// Unicode classifies as letters are word characters themselves.
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

// isAddressRune accepts printable characters. It rejects U+FFFD, which replaces characters that a
// text has lost.
func isAddressRune(r rune) bool {
	return unicode.IsPrint(r) && r != utf8.RuneError || isJoiner(r)
}
