package bulk

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// shown are the members whose values appear in error messages. These messages go to the terminal,
// and so to logs: secrets and personal data are not among them. The file of rejected rows contains
// the complete row next to the message.
var shown = map[string]bool{
	"uid": true, "role": true, "state": true, "otp": true, "referral_uid": true, "created_at": true, "updated_at": true,
	"dob": true, "country": true, "level": true, "profile_created_at": true, "profile_updated_at": true,
}

// maxShown limits a value in a message, in bytes.
const maxShown = 64

// quoted returns a value to append to a message: `: "31.12.1999"`; "" where it is not shown.
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

// value returns the value of a plain text member.
func (r *record) value(name string) string {
	if field := texts[name]; field != nil {
		return string(*field(r))
	}
	return ""
}
