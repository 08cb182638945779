package identity

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// collapse trims s and turns every inner run of Unicode white space into one space.
func collapse(s string) string { return strings.Join(strings.Fields(s), " ") }

// isAlphanumeric says whether r is a letter or a digit, or a mark: many scripts
// cannot write their vowels without one.
func isAlphanumeric(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsMark(r) || unicode.IsDigit(r)
}

// isWord says whether r is part of a word: what Ruby's [[:word:]] takes (letters,
// marks, decimal digits, connectors, and the letters in circles and squares that
// Unicode calls alphabetic), and numbers of every kind.
func isWord(r rune) bool {
	return unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.Pc, unicode.Other_Alphabetic)
}

// isDash says whether r is a dash or hyphen, of any length and width.
func isDash(r rune) bool {
	return unicode.In(r, unicode.Pd, unicode.Dash)
}

// isJoiner says whether r is one of the two invisible characters that scripts need
// for their spelling: Persian cannot write many names without the first.
func isJoiner(r rune) bool {
	return r == '\u200c' || r == '\u200d'
}

// asciiOf is the ASCII character of which r is only a width or a style (（, Ｐ, 𝐏), and r
// itself where it is none.
func asciiOf(r rune) rune {
	if r <= unicode.MaxASCII {
		return r
	}
	if compatible := norm.NFKC.String(string(r)); len(compatible) == 1 {
		return rune(compatible[0])
	}
	return r
}
