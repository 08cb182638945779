package identity

import (
	"strings"
	"unicode"
)

// collapse trims s and turns every inner run of Unicode white space into one space.
func collapse(s string) string { return strings.Join(strings.Fields(s), " ") }

// isAlphanumeric says whether r is a letter or a digit, or a mark: many scripts
// cannot write their vowels without one.
func isAlphanumeric(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsMark(r) || unicode.IsDigit(r)
}
