package identity

import (
	"crypto/rand"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

var uidPrefix = regexp.MustCompile(`^[A-Za-z]{2,6}$`)

// NewUID makes the public identifier of a new user: prefix and 10 upper-case
// hexadecimal digits from the system's secure random source. 40 bits do collide
// now and then; the unique index says so, and the caller asks for another.
func NewUID(prefix string) string {
	var random [5]byte
	rand.Read(random[:]) // never fails: the process ends where there is no randomness
	return fmt.Sprintf("%s%X", prefix, random)
}

// ParseUIDPrefix returns the configured prefix upper-cased. It has 2 to 6 ASCII
// letters; anything else is an error.
func ParseUIDPrefix(s string) (string, error) {
	if !uidPrefix.MatchString(s) {
		return "", errors.New("a uid prefix has 2 to 6 letters from A to Z")
	}
	return strings.ToUpper(s), nil
}
