package identity

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// collapse trims s and replaces every inner run of Unicode white space with one space.
func collapse(s string) string { return strings.Join(strings.Fields(s), " ") }

// isAlphanumeric reports whether r is a letter, a digit or a mark: many scripts need marks to write
// vowels.
func isAlphanumeric(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsMark(r) || unicode.IsDigit(r)
}

// isWord reports whether r is part of a word: what Ruby's [[:word:]] matches (letters, marks,
// decimal digits, connectors, and the circled and squared letters that Unicode calls alphabetic),
// and numbers of every kind.
func isWord(r rune) bool {
	return unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.Pc, unicode.Other_Alphabetic)
}

// isDash reports whether r is a dash or hyphen, of any length and width.
func isDash(r rune) bool {
	return unicode.In(r, unicode.Pd, unicode.Dash)
}

// isJoiner reports whether r is one of the two invisible characters that the spelling of some
// scripts needs: many Persian names cannot be written without the first.
func isJoiner(r rune) bool {
	return r == '\u200c' || r == '\u200d'
}

// asciiOf returns the ASCII character of which r is only a width or a style (（, Ｐ, 𝐏), and r itself
// where there is none.
func asciiOf(r rune) rune {
	if r <= unicode.MaxASCII {
		return r
	}
	if compatible := norm.NFKC.String(string(r)); len(compatible) == 1 {
		return rune(compatible[0])
	}
	return r
}
