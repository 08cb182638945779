package identity

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"barong/internal/problem"
)

// Length of a password in bytes. bcrypt reads no more than the maximum.
const (
	minPassword = 8
	maxPassword = 72
)

var (
	passwordUnmet = problem.Violation{Field: "password", Code: "password_requirements_unmet", Message: "Password does not meet the minimum requirements"}
	passwordLong  = problem.Violation{Field: "password", Code: "password_too_long", Message: "Password is too long (maximum is 72 bytes)"}
	passwordWeak  = problem.Violation{Field: "password", Code: "password_too_weak", Message: "Password is too weak"}
)

// CheckPassword returns the rules that a password breaks. A password has 8 to 72 bytes of UTF-8
// without NUL, with a lower-case letter, an upper-case letter and a digit, of any script. Only a
// password that meets this is checked for guessability, which takes about 1 ms of processor time
// for a typical one and 20 ms for the worst one of 72 bytes.
func CheckPassword(password string) []problem.Violation {
	var violations []problem.Violation
	if len(password) < minPassword || !hasPasswordClasses(password) {
		violations = append(violations, passwordUnmet)
	}
	if len(password) > maxPassword {
		violations = append(violations, passwordLong)
	}
	if violations == nil && isGuessable(password) {
		violations = append(violations, passwordWeak)
	}
	return violations
}

// hasPasswordClasses also rejects NUL: bcrypt appends a NUL to the password and repeats it, so "a"
// and "a\x00a" have the same hash.
func hasPasswordClasses(s string) bool {
	has := func(class func(rune) bool) bool { return strings.ContainsFunc(s, class) }
	return utf8.ValidString(s) && !strings.Contains(s, "\x00") &&
		has(unicode.IsLower) && has(unicode.IsUpper) && has(unicode.IsDigit)
}
