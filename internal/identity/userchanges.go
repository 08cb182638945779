package identity

import (
	"encoding/json"
	"fmt"
	"slices"
	"unicode/utf8"

	"barong/internal/problem"
)

// ErrUserUnknown is the error of operations of Barong 2.4 and later that name a user who does not
// exist.
var ErrUserUnknown = &problem.Error{
	Kind: problem.Rejected, Violations: []problem.Violation{{Field: "uid", Code: "user_unknown", Message: "user.doesnt_exist"}},
}

// maxGivenData limits the free text of a user that updateUser sets, in characters. Texts of an
// import may be longer.
const maxGivenData = 1024

// RoleUnknown is reported for a role that the policy does not list.
var RoleUnknown = problem.Violation{Field: "role", Code: "role_unknown", Message: "Role doesnt_exist"}

var (
	givenDataTooLong = problem.Violation{Field: "data", Code: "data_too_long", Message: fmt.Sprintf("Data is too long (maximum is %d characters)", maxGivenData)}
	givenDataInvalid = problem.Violation{Field: "data", Code: "data_invalid", Message: "Data data is not json compatible string"}
)

// UserChanges are new values of a user; nil leaves a value as it is.
type UserChanges struct{ Role, Data *string }

// CheckChanges returns the rules that changes of a user break, those of the data first. Data is any
// JSON text, and is stored as it was given.
func (p Policy) CheckChanges(c UserChanges) (violations []problem.Violation) {
	if c.Data != nil {
		if utf8.RuneCountInString(*c.Data) > maxGivenData {
			violations = append(violations, givenDataTooLong)
		}
		if !json.Valid([]byte(*c.Data)) {
			violations = append(violations, givenDataInvalid)
		}
	}
	if c.Role != nil && !p.HasRole(*c.Role) {
		violations = append(violations, RoleUnknown)
	}
	return violations
}

// HasRole reports whether the API may give a role.
func (p Policy) HasRole(role string) bool { return slices.Contains(p.Roles, role) }
