package identity

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// The estimator of passwords compares bytes, and so knows ASCII only: a letter of
// two bytes looks like two characters, and a doubled one like a pattern. What it is
// given is a password of the same pattern in ASCII.

// simplestSpelling is a password in Unicode NFC, in which a letter and its accents
// are one character where Unicode has one; digits of other scripts, and characters
// that are only a width or a style of an ASCII one (Ｐ, 𝐏), become that.
func simplestSpelling(password string) string {
	return strings.Map(func(r rune) rune {
		if r = asciiOf(r); r > unicode.MaxASCII && unicode.IsDigit(r) {
			return decimalDigit(r)
		}
		return r
	}, compose(password))
}

// compose is Unicode NFC, except that the few characters which NFC takes apart stay
// one: a person who holds such a key down types one character again and again.
func compose(s string) string {
	var composed strings.Builder
	done := 0
	for i, r := range s {
		if r > unicode.MaxASCII && utf8.RuneCountInString(norm.NFC.String(string(r))) > 1 {
			composed.WriteString(norm.NFC.String(s[done:i]))
			composed.WriteRune(r)
			done = i + utf8.RuneLen(r)
		}
	}
	composed.WriteString(norm.NFC.String(s[done:]))
	return composed.String()
}

// decimalDigit is the ASCII digit with the value of a decimal digit. Those of a
// script stand in a row of ten that begins with its zero (Unicode Standard, 4.6).
func decimalDigit(r rune) rune {
	zero := r
	for unicode.IsDigit(zero - 1) {
		zero--
	}
	return '0' + (r-zero)%10
}

// What stands in for letters and for all else outside ASCII, in the order in which
// it is taken. Neighbours are far apart in the alphabet and on keyboards and spell
// no word, and no mark is one that l33t puts for a letter: the estimator must find
// no pattern that the password does not have.
const (
	substituteLetters = "qzjwfvkxpgyhbucmdtlrioesan"
	substituteMarks   = "^#~*?&_\"]'},\\->.=/`:);"
)

// maxSequenceStep is how far apart the letters of a sequence are at most, for the
// estimator.
const maxSequenceStep = 5

// inASCII writes a piece of a password in ASCII: equal characters stay equal,
// different ones different, upper case stays upper case, and letters that follow
// each other in their alphabet do so in ours where it has room. A piece has no more
// characters than there are letters, so that each gets one of its own; of marks there
// are fewer, and the last ones may share.
func inASCII(piece []rune) string {
	letters := substitution{order: substituteLetters, taken: map[rune]rune{}}
	marks := substitution{order: substituteMarks, taken: map[rune]rune{}}
	for _, r := range piece {
		if r <= unicode.MaxASCII {
			letters.used = append(letters.used, unicode.ToLower(r))
			marks.used = append(marks.used, r)
		}
	}
	ascii := make([]byte, 0, len(piece))
	var previous rune // the letter outside ASCII before, in lower case
	for _, r := range piece {
		switch {
		case r <= unicode.MaxASCII:
			ascii = append(ascii, byte(r)) //nolint:gosec // a character of ASCII
			previous = 0
		case unicode.IsLetter(r) || unicode.IsMark(r):
			lower := unicode.ToLower(r)
			letter := letters.of(lower, previous)
			previous = lower
			if unicode.IsUpper(r) || unicode.IsTitle(r) {
				letter = unicode.ToUpper(letter)
			}
			ascii = append(ascii, byte(letter)) //nolint:gosec // a letter of ASCII
		default:
			ascii = append(ascii, byte(marks.of(r, 0))) //nolint:gosec // a mark of ASCII
			previous = 0
		}
	}
	return string(ascii)
}

// substitution gives each character one of order that stands nowhere else.
type substitution struct {
	order string
	taken map[rune]rune
	used  []rune
}

// of is what stands for r. Where previous, the character before it, is close to it
// in the alphabet, so is what stands for them, if it is free.
func (s *substitution) of(r, previous rune) rune {
	if known, ok := s.taken[r]; ok {
		return known
	}
	substitute := rune(s.order[len(s.taken)%len(s.order)])
	if step := r - previous; previous != 0 && -maxSequenceStep <= step && step <= maxSequenceStep && s.isFree(s.taken[previous]+step) {
		substitute = s.taken[previous] + step
	} else if free := strings.IndexFunc(s.order, s.isFree); free >= 0 {
		substitute = rune(s.order[free])
	}
	s.taken[r] = substitute
	s.used = append(s.used, substitute)
	return substitute
}

func (s *substitution) isFree(r rune) bool {
	return strings.ContainsRune(s.order, r) && !slices.Contains(s.used, r)
}
