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

// isGuessable estimates a password in its simplest spelling, piece by piece.
func isGuessable(password string) bool {
	known := []rune(recentYear.ReplaceAllString(simplestSpelling(password), "201${1}"))
	for piece := range slices.Chunk(repeated(known), estimatedRunes) {
		if guesses(inASCII(piece)) >= minGuesses {
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

// guesses estimates how many tries s, which is ASCII, withstands. The estimator
// takes a mark at the end for a random character; people append one because they
// are told to, so it counts ten tries, however often it is repeated.
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
