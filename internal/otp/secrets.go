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

// Secret is the secret that a user's device and the server share: base32 (RFC 4648 §6) in capital
// letters, without padding. NewSecret and ParseSecret make it.
type Secret string

// The sizes of a secret, in bytes. RFC 4226 §4 recommends 20; the minimum is what early
// authenticators used.
const (
	newSecretSize = 20
	minSecretSize = 10
	maxSecretSize = 128
)

var encoding = base32.StdEncoding.WithPadding(base32.NoPadding)

// NewSecret returns 160 random bits.
func NewSecret() Secret {
	random := make([]byte, newSecretSize)
	rand.Read(random)
	return Secret(encoding.EncodeToString(random))
}

var separators = strings.NewReplacer(" ", "", "-", "", "\t", "", "\n", "", "\r", "")

// ParseSecret parses base32 in any case, with or without spaces or dashes between groups, and with
// or without padding. A secret has 80 to 1024 bits.
func ParseSecret(text string) (Secret, error) {
	text = strings.TrimRight(strings.ToUpper(separators.Replace(text)), "=")
	decoded, err := encoding.DecodeString(text)
	switch {
	case err != nil || encoding.EncodedLen(len(decoded)) != len(text): // the decoder ignores an excess character
		return "", errors.New("the secret must be base32: letters and the digits 2 to 7")
	case len(decoded) < minSecretSize || len(decoded) > maxSecretSize:
		return "", fmt.Errorf("the secret must have %d to %d bits, and has %d", 8*minSecretSize, 8*maxSecretSize, 8*len(decoded))
	}
	// Encoded again, so that a secret has one text: the last character of the input may have unused
	// bits.
	return Secret(encoding.EncodeToString(decoded)), nil
}

// URL returns the otpauth URL that authenticators read from a QR code. They show issuer and
// account.
func (s Secret) URL(issuer, account string) string {
	// Authenticators show a plus literally, so the query escapes spaces as %20 too.
	escape := func(text string) string { return strings.ReplaceAll(url.QueryEscape(text), "+", "%20") }
	return fmt.Sprintf("otpauth://totp/%s:%s?secret=%s&issuer=%s&algorithm=SHA1&digits=%d&period=%d",
		escape(issuer), escape(account), s, escape(issuer), digits, period)
}

const (
	period = 30 // seconds in a time step
	drift  = 1  // steps that a code may be early or late
	digits = 6
)

// Step returns the time step (RFC 6238 §4.2) whose code this is, among the steps that are accepted
// at the time now; ok is false without a match. A secret that is not base32 has no codes.
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

// wellFormed reports whether the text has the form of a code: six ASCII digits.
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
