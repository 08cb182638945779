package identity

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/trustelem/zxcvbn"
)

// Length of a password in bytes. bcrypt reads no more than the maximum.
const (
	minPassword = 8
	maxPassword = 72
)

var (
	passwordUnmet = Violation{Field: "password", Code: "password_requirements_unmet", Message: "Password does not meet the minimum requirements"}
	passwordLong  = Violation{Field: "password", Code: "password_too_long", Message: "Password is too long (maximum is 72 bytes)"}
	passwordWeak  = Violation{Field: "password", Code: "password_too_weak", Message: "Password is too weak"}
)

// CheckPassword returns the rules that a password breaks. It has 8 to 72 bytes
// of UTF-8 without NUL, with a lower-case letter, an upper-case letter and a
// digit, of any script; only one that has is asked whether it is guessable.
// The worst of 72 bytes takes some 20 ms of processor time, a usual one 1 ms.
func CheckPassword(password string) []Violation {
	var violations []Violation
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

// hasPasswordClasses also refuses NUL: bcrypt puts one after the password and
// starts again, so that a and a NUL a would open the same account.
func hasPasswordClasses(s string) bool {
	has := func(class func(rune) bool) bool { return strings.ContainsFunc(s, class) }
	return utf8.ValidString(s) && !strings.Contains(s, "\x00") &&
		has(unicode.IsLower) && has(unicode.IsUpper) && has(unicode.IsDigit)
}

const (
	// minGuesses is what somebody who knows how people choose passwords may need
	// at most for a guessable one: at 100 tries an hour, eleven years.
	minGuesses = 1e7

	// doubtfulGuesses ends the range in which the mark at the end is looked at.
	doubtfulGuesses = 1e10

	// estimatedRunes is how much of a password is estimated at once. The
	// estimator's time grows with the cube of the length, and with the number of
	// l33t spellings; a password is strong when any piece of it is.
	estimatedRunes = 24
)

// localWords are those that the users of such a server have before their eyes,
// for the estimator to treat like the commonest passwords.
var localWords = []string{"barong", "peatio", "opendax", "openware", "rubykube", "bitcoin", "ethereum", "crypto", "exchange"}

// recentYear finds the years that the estimator is too old to know.
var recentYear = regexp.MustCompile(`20[2-4](\d)`)

func isGuessable(password string) bool {
	known := []rune(recentYear.ReplaceAllString(password, "201${1}"))
	for piece := range slices.Chunk(repeated(known), estimatedRunes) {
		if guesses(string(piece)) >= minGuesses {
			return false
		}
	}
	return true
}

// repeated is the shortest beginning that s repeats to its end, the last time
// perhaps in part: all of s where there is none. A guess typed twice is hardly
// harder to guess.
func repeated(s []rune) []rune {
	for n := 1; n <= len(s)/2; n++ {
		if slices.Equal(s[n:], s[:len(s)-n]) {
			return s[:n]
		}
	}
	return s
}

// guesses estimates how many tries s withstands. The estimator takes a mark at
// the end for a random character; people append one because they are told to,
// so it counts ten tries, however often it is repeated.
func guesses(s string) float64 {
	n := zxcvbn.PasswordStrength(s, localWords).Guesses
	if n < minGuesses || n >= doubtfulGuesses {
		return n
	}
	last, _ := utf8.DecodeLastRuneInString(s)
	if !unicode.IsPunct(last) && !unicode.IsSymbol(last) {
		return n
	}
	stem := strings.TrimRight(s, string(last))
	return min(n, 10*zxcvbn.PasswordStrength(stem, localWords).Guesses)
}
