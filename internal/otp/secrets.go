package otp

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base32"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/pquerna/otp/hotp"
)

// Secret is what a user's device and the server share: base32 (RFC 4648 §6) in
// capitals, without padding. It is made by NewSecret or ParseSecret.
type Secret string

// The sizes of a secret, in bytes. RFC 4226 §4 recommends 20; the least is what
// authenticators were given in their early days.
const (
	newSecretSize = 20
	minSecretSize = 10
	maxSecretSize = 128
)

var encoding = base32.StdEncoding.WithPadding(base32.NoPadding)

// NewSecret is 160 random bits.
func NewSecret() Secret {
	random := make([]byte, newSecretSize)
	rand.Read(random)
	return Secret(encoding.EncodeToString(random))
}

var separators = strings.NewReplacer(" ", "", "-", "", "\t", "", "\n", "", "\r", "")

// ParseSecret reads base32 as people copy it: in any case, with spaces or dashes
// between its groups, with padding or without. It has 80 to 1024 bits.
func ParseSecret(text string) (Secret, error) {
	text = strings.TrimRight(strings.ToUpper(separators.Replace(text)), "=")
	decoded, err := encoding.DecodeString(text)
	switch {
	case err != nil || encoding.EncodedLen(len(decoded)) != len(text): // a character too much is passed over
		return "", errors.New("the secret must be base32: letters and the digits 2 to 7")
	case len(decoded) < minSecretSize || len(decoded) > maxSecretSize:
		return "", fmt.Errorf("the secret must have %d to %d bits, and has %d", 8*minSecretSize, 8*maxSecretSize, 8*len(decoded))
	}
	// Encoded again, so that one secret has one text: the last character of what
	// came may carry bits that count for nothing.
	return Secret(encoding.EncodeToString(decoded)), nil
}

// URL is the otpauth URL that authenticators read from a QR code. issuer and
// account are what they show.
func (s Secret) URL(issuer, account string) string {
	// Authenticators show a plus as a plus: spaces are %20 in the query, too.
	escape := func(text string) string { return strings.ReplaceAll(url.QueryEscape(text), "+", "%20") }
	return fmt.Sprintf("otpauth://totp/%s:%s?secret=%s&issuer=%s&algorithm=SHA1&digits=%d&period=%d",
		escape(issuer), escape(account), s, escape(issuer), digits, period)
}

const (
	period = 30 // seconds in a time step
	drift  = 1  // steps that a code may be early or late
	digits = 6
)

// Step is the time step (RFC 6238 §4.2) whose code this is, of those that are
// right at the time now; ok is false where none is. A secret that is no base32
// has no codes.
func (s Secret) Step(code string, now time.Time) (step int64, ok bool) {
	current := now.Unix() / period
	for candidate := current + drift; candidate >= current-drift && candidate >= 0; candidate-- {
		right, err := hotp.GenerateCode(string(s), uint64(candidate))
		if err == nil && subtle.ConstantTimeCompare([]byte(right), []byte(code)) == 1 {
			step, ok = candidate, true
		}
	}
	return step, ok
}

// wellFormed says whether the text could be a code at all: six ASCII digits.
func wellFormed(code string) bool {
	if len(code) != digits {
		return false
	}
	for _, c := range []byte(code) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}
