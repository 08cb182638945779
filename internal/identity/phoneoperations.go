package identity

import (
	"slices"

	"barong/internal/problem"
)

// MaxPhones limits the phones of a user, because every response with the user contains all of them.
const MaxPhones = 100

// Errors of the operations on phones.
var (
	ErrPhoneInvalid   = phoneError(problem.BadRequest, "phone_invalid", "management.phone.invalid_num")
	ErrPhoneValidated = phoneError(problem.BadRequest, "phone_taken", "management.phone.number_exist")
	ErrPhoneOwned     = phoneError(problem.BadRequest, "phone_exists", "management.phone.exists")
	ErrTooManyPhones  = phoneError(problem.BadRequest, "phones_too_many", "management.phone.too_many")
	ErrPhoneUnknown   = phoneError(problem.Rejected, "phone_unknown", "management.phone.doesnt_exists")
)

func phoneError(kind problem.Kind, code, message string) *problem.Error {
	return &problem.Error{Kind: kind, Violations: []problem.Violation{{Field: "number", Code: code, Message: message}}}
}

// PhoneConflict says why a number cannot be added to a user.
type PhoneConflict struct {
	Validated bool // somebody has validated the number, the user included
	Owned     bool // the user has the number
	Full      bool // the user has MaxPhones
}

// Err returns the error of the first conflict, or nil without one.
func (c PhoneConflict) Err() error {
	switch {
	case c.Validated:
		return ErrPhoneValidated
	case c.Owned:
		return ErrPhoneOwned
	case c.Full:
		return ErrTooManyPhones
	default:
		return nil
	}
}

// PhoneSpellings returns the digits under which a number may be stored, the likeliest first: E.164,
// then the digits as written, because numbers that came from Barong need not be in E.164. Without a
// digit it is empty.
func (p Policy) PhoneSpellings(written string) []string {
	var spellings []string
	add := func(digits string) {
		if digits != "" && !slices.Contains(spellings, digits) {
			spellings = append(spellings, digits)
		}
	}
	if phone, violations := p.ParsePhone(written); violations == nil {
		add(phone.Number)
	}
	if spelt, ok := readPhone(written); ok {
		add(spelt.digits)
		add(spelt.written)
	}
	return spellings
}
