package identity

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"barong/internal/problem"
)

// Lengths of an e-mail address in octets (RFC 5321 §4.5.3.1, RFC 1035 §2.3.4).
const (
	maxEmail       = 254
	maxEmailLocal  = 64
	maxDomainLabel = 63
)

// EmailTaken is reported when another user has the e-mail.
var EmailTaken = problem.Violation{Field: "email", Code: "email_taken", Message: "Email has already been taken"}

var emailInvalid = problem.Violation{Field: "email", Code: "email_invalid", Message: "Email is invalid"}

// ParseEmail returns the address without surrounding white space, or the rule that it breaks and no
// address. It accepts the dot-atom form of RFC 5322 §3.2.3 with letters and digits of any script
// (RFC 6531), and the quoted local parts of RFC 5321 §4.1.2. It accepts neither comments nor IP
// literals. Lengths count octets of UTF-8.
func ParseEmail(s string) (string, []problem.Violation) {
	email := strings.TrimSpace(s)
	at := strings.LastIndexByte(email, '@')
	if at < 0 || len(email) > maxEmail || at > maxEmailLocal || !isDomain(email[at+1:]) {
		return "", []problem.Violation{emailInvalid}
	}
	local := email[:at]
	if _, isQuoted := unquoted(local); !isQuoted && !isEmailLocal(local) {
		return "", []problem.Violation{emailInvalid}
	}
	return email, nil
}

// unquoted returns the content of a quoted local part, and false where s is not quoted.
func unquoted(s string) (string, bool) {
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return "", false
	}
	var content strings.Builder
	escaped := false
	for _, r := range s[1 : len(s)-1] {
		printable := r >= ' ' && r <= '~'
		switch {
		case escaped && printable:
			escaped = false
		case escaped:
			return "", false
		case r == '\\':
			escaped = true
			continue
		case r == '"', !printable && !isAlphanumeric(r):
			return "", false
		}
		content.WriteRune(r)
	}
	return content.String(), !escaped
}

// quoted is the shortest quoted local part with this content.
func quoted(content string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(content) + `"`
}

// isEmailLocal reports whether s is a local part without quotes.
func isEmailLocal(s string) bool {
	if len(s) > maxEmailLocal {
		return false
	}
	for atom := range strings.SplitSeq(s, ".") {
		if atom == "" || strings.ContainsFunc(atom, isNotAtomic) {
			return false
		}
	}
	return true
}

// isNotAtomic reports whether r may not be in an atom of the local part. Invalid UTF-8 arrives as
// U+FFFD, which may not.
func isNotAtomic(r rune) bool {
	return !isAlphanumeric(r) && !strings.ContainsRune("!#$%&'*+/=?^_`{|}~-", r)
}

// isDomain reports whether s consists of valid domain labels.
func isDomain(s string) bool {
	for label := range strings.SplitSeq(s, ".") {
		first, _ := utf8.DecodeRuneInString(label)
		if label == "" || len(label) > maxDomainLabel || first == '-' || unicode.IsMark(first) || strings.HasSuffix(label, "-") {
			return false
		}
		if strings.ContainsFunc(label, func(r rune) bool { return !isAlphanumeric(r) && r != '-' }) {
			return false
		}
	}
	return true
}

// FoldEmail is the key by which servers that do not know [MailboxKey] find e-mails ignoring case;
// every row has it. Two addresses have the same key exactly when [strings.EqualFold] reports them
// as equal after trimming: Unicode's simple case folding, which is the same in every locale. So the
// Kelvin sign equals k and a final sigma equals sigma, but the Turkish dotless and dotted i differ
// from i. FoldEmail is idempotent. NUL and invalid UTF-8, which no address contains, become U+FFFD,
// so a lookup with such a key finds nothing.
func FoldEmail(email string) string {
	return strings.Map(foldRune, strings.TrimSpace(email))
}

// foldRune maps all runes that differ in case only to the same rune: to the lower case of the
// smallest of them, where that is one of them too, else to the smallest.
func foldRune(r rune) rune {
	if r == 0 {
		return unicode.ReplacementChar
	}
	least := r
	for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
		least = min(least, other)
	}
	lower := unicode.ToLower(least)
	for other := unicode.SimpleFold(least); other != least; other = unicode.SimpleFold(other) {
		if other == lower {
			return lower
		}
	}
	return least
}
