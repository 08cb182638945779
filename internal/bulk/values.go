package bulk

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// shown are the members whose value stands in the sentence that refuses it. The
// sentences are on the terminal, and so in logs: secrets are not among them, nor
// is what tells who a person is, which the file of refused rows has beside them.
var shown = map[string]bool{
	"uid": true, "role": true, "state": true, "otp": true, "referral_uid": true, "created_at": true, "updated_at": true,
	"dob": true, "country": true,
}

// maxShown bounds a value in a sentence, in bytes.
const maxShown = 64

// quoted is a value to append to a sentence: `: "31.12.1999"`; "" where it is not shown.
func quoted(name, value string) string {
	if !shown[name] || strings.TrimSpace(value) == "" {
		return ""
	}
	if len(value) > maxShown {
		value = value[:maxShown]
		for !utf8.ValidString(value) && value != "" {
			value = value[:len(value)-1]
		}
		value += "…"
	}
	return fmt.Sprintf(": %q", value)
}

// value is that of a member that is a plain text.
func (r *record) value(name string) string {
	if field := texts[name]; field != nil {
		return string(*field(r))
	}
	return ""
}
