package identity

import (
	"crypto/rand"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

var uidPrefix = regexp.MustCompile(`^[A-Za-z]{2,6}$`)

// NewUID returns the public identifier of a new user: the prefix and 10 upper-case hexadecimal
// digits from the system's secure random source. 40 bits collide occasionally; the unique index
// then rejects the uid, and the caller requests another.
func NewUID(prefix string) string {
	var random [5]byte
	rand.Read(random[:]) // never fails: without randomness the process exits
	return fmt.Sprintf("%s%X", prefix, random)
}

// ParseUIDPrefix returns the configured prefix of users in upper case. It must have 2 to 6 ASCII
// letters, and not be the prefix of service accounts; anything else is an error.
func ParseUIDPrefix(s string) (string, error) {
	if !uidPrefix.MatchString(s) {
		return "", errors.New("a uid prefix has 2 to 6 letters from A to Z")
	}
	prefix := strings.ToUpper(s)
	if prefix == ServiceAccountPrefix {
		return "", fmt.Errorf("%s is the prefix of service accounts", ServiceAccountPrefix)
	}
	return prefix, nil
}
