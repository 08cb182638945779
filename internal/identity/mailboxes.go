package identity

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
)

// MailboxKey is the key of the mailbox that an e-mail address leads to: all spellings of a mailbox
// have the same key, and MailboxKey is idempotent. The local part becomes lower case in Unicode
// NFC, without redundant quotes; the domain becomes the name in DNS, by UTS #46 ToASCII. NUL and
// invalid UTF-8, which no address contains, become U+FFFD, so a lookup with such a key finds
// nothing. The key of an address in ASCII without quotes equals its [FoldEmail].
func MailboxKey(email string) string {
	email = strings.ReplaceAll(strings.ToValidUTF8(strings.TrimSpace(email), string(utf8.RuneError)), "\x00", string(utf8.RuneError))
	at := strings.LastIndexByte(email, '@')
	if at < 0 {
		return localKey(email)
	}
	return localKey(email[:at]) + "@" + domainKey(email[at+1:])
}

// localKey is the composed caseless form of Unicode (section 3.13, D145) with simple case mappings.
// Marks are put into canonical order before case mapping, which turns one of them into a letter.
func localKey(local string) string {
	if content, ok := unquoted(local); ok {
		if isEmailLocal(content) {
			local = content
		} else {
			local = quoted(content)
		}
	}
	return norm.NFC.String(strings.Map(lowerOf, norm.NFD.String(local)))
}

// lowerOf returns the lower-case letter of all runes that differ from r in case only.
func lowerOf(r rune) rune {
	lower := unicode.ToLower(unicode.ToUpper(r))
	if strings.EqualFold(string(r), string(lower)) {
		return lower
	}
	return r // the dotless and the dotted i: only in Turkish are they cases of i
}

// toASCII maps a name as a resolver does (UTS #46, nontransitional), without the rules of
// registries for hyphens.
var toASCII = idna.New(idna.MapForLookup(), idna.Transitional(false), idna.CheckHyphens(false))

// maxMappedDomain is the longest domain, in bytes, that is converted to ASCII: the conversion takes
// time quadratic in the length. No spelling of a valid domain comes close.
const maxMappedDomain = 4 * maxEmail

// domainKey is the domain in ASCII, or in the form of a local part where it has no ASCII form.
func domainKey(domain string) string {
	if !isASCII(domain) && len(domain) <= maxMappedDomain {
		// Tables before Unicode 15.1 map the capital sharp s to two letters.
		if ascii, err := toASCII.ToASCII(strings.ReplaceAll(domain, "ẞ", "ß")); err == nil {
			return ascii
		}
	}
	return norm.NFC.String(strings.Map(lowerOf, norm.NFD.String(domain)))
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r > unicode.MaxASCII })
}
