package identity

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// The password estimator compares bytes and so supports only ASCII: it takes a letter of two bytes
// for two characters, and a doubled letter for a pattern. It therefore gets a password of the same
// pattern in ASCII.

// simplestSpelling returns a password in Unicode NFC, in which a letter with accents is one
// character where Unicode has one. Digits of other scripts, and characters that are only a width or
// a style of an ASCII character (Ｐ, 𝐏), become ASCII.
func simplestSpelling(password string) string {
	return strings.Map(func(r rune) rune {
		if r = asciiOf(r); r > unicode.MaxASCII && unicode.IsDigit(r) {
			return decimalDigit(r)
		}
		return r
	}, compose(password))
}

// compose is Unicode NFC, but keeps the few characters that NFC decomposes: a person who holds down
// such a key types one character repeatedly.
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

// decimalDigit returns the ASCII digit with the value of a decimal digit. The digits of a script
// are ten consecutive characters from its zero (Unicode Standard, 4.6).
func decimalDigit(r rune) rune {
	zero := r
	for unicode.IsDigit(zero - 1) {
		zero--
	}
	return '0' + (r-zero)%10
}

// The substitutes for letters and for all other characters outside ASCII, in the order of their
// use. Adjacent letters are far apart in the alphabet and on keyboards and form no word, and no
// mark stands for a letter in l33t: the estimator must not find a pattern that the password does
// not have.
const (
	substituteLetters = "qzjwfvkxpgyhbucmdtlrioesan"
	substituteMarks   = "^#~*?&_\"]'},\\->.=/`:);"
)

// maxSequenceStep is the largest distance between letters of a sequence in the estimator.
const maxSequenceStep = 5

// inASCII converts a piece of a password to ASCII. Equal characters stay equal, different ones
// different, and upper case stays upper case. Letters that follow each other in their alphabet do
// so in ASCII, where there is room. A piece has no more characters than there are letters, so each
// gets its own letter; there are fewer marks, so the last ones may share one.
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
	var previous rune // the preceding letter outside ASCII, in lower case
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

// substitution maps each character to one of order that is not in use.
type substitution struct {
	order string
	taken map[rune]rune
	used  []rune
}

// of returns the substitute for r. Where r is close in the alphabet to previous, the character
// before it, their substitutes are equally close if that one is free.
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
