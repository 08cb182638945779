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

// EmailTaken is reported when the unique index finds the e-mail on another user.
var EmailTaken = problem.Violation{Field: "email", Code: "email_taken", Message: "Email has already been taken"}

var emailInvalid = problem.Violation{Field: "email", Code: "email_invalid", Message: "Email is invalid"}

// ParseEmail returns the address without the white space around it, or the rule
// that it breaks and no address. It takes the dot-atom form of RFC 5322 §3.2.3
// with letters and digits of any script (RFC 6531), and the quoted local parts of
// RFC 5321 §4.1.2, and neither comments nor IP literals. Lengths count octets of
// UTF-8. One pass.
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

// unquoted is the content of a quoted local part. false where s is none.
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

// isEmailLocal says whether s is what may stand before the @ without quotes.
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

// isNotAtomic says whether r may not stand in an atom of the local part. Broken
// UTF-8 arrives as U+FFFD, which may not.
func isNotAtomic(r rune) bool {
	return !isAlphanumeric(r) && !strings.ContainsRune("!#$%&'*+/=?^_`{|}~-", r)
}

// isDomain says whether s is one domain label or several.
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

// FoldEmail is the key by which servers that do not know [MailboxKey] find e-mails
// whatever their case; every row has it. Two addresses have one key exactly when
// [strings.EqualFold] calls them equal once trimmed: Unicode's simple case folding,
// the same in every locale.
// So the Kelvin sign is a k and a final sigma a sigma, while the Turkish dotless
// and dotted i stay apart from i. The key of a key is itself. What no address can
// contain, NUL and broken UTF-8, becomes U+FFFD: such a key may be looked up, and
// finds nothing.
func FoldEmail(email string) string {
	return strings.Map(foldRune, strings.TrimSpace(email))
}

// foldRune returns one and the same rune for all that differ in case only: the
// lower case of the least of them, where that is one of them too, else the least.
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
