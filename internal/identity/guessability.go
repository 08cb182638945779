package identity

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/trustelem/zxcvbn"
)

const (
	// minGuesses is the number of guesses below which a password is guessable, for an attacker who
	// knows how people choose passwords. At 100 tries an hour it takes eleven years.
	minGuesses = 1e7

	// doubtfulGuesses is the estimate from which a trailing mark is not examined.
	doubtfulGuesses = 1e10

	// estimatedRunes is the length of the pieces that are estimated. The estimator's time grows
	// with the cube of the length, and with the number of l33t spellings. A password is strong when
	// one of its pieces is.
	estimatedRunes = 24
)

// localWords are words that users of such a server see often. The estimator treats them like the
// most common passwords.
var localWords = []string{"barong", "peatio", "opendax", "openware", "rubykube", "bitcoin", "ethereum", "crypto", "exchange"}

// recentYear matches years that the estimator does not recognise.
var recentYear = regexp.MustCompile(`20[2-4](\d)`)

// isGuessable estimates the simplest spelling of a password, piece by piece.
func isGuessable(password string) bool {
	known := []rune(recentYear.ReplaceAllString(simplestSpelling(password), "201${1}"))
	for piece := range slices.Chunk(repeated(known), estimatedRunes) {
		if guesses(inASCII(piece)) >= minGuesses {
			return false
		}
	}
	return true
}

// repeated returns the shortest prefix whose repetition, the last one possibly incomplete, yields
// s; all of s without one. A repeated password is hardly harder to guess.
func repeated(s []rune) []rune {
	for n := 1; n <= len(s)/2; n++ {
		if slices.Equal(s[n:], s[:len(s)-n]) {
			return s[:n]
		}
	}
	return s
}

// guesses estimates how many guesses s, which is ASCII, withstands. The estimator takes a trailing
// mark for a random character. People append one to satisfy password rules, so a mark multiplies
// the guesses by ten only, however often it is repeated.
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
