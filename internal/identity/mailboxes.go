package identity

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
)

// MailboxKey is the key of the mailbox that an e-mail address leads to: all spellings
// of one mailbox have one key, and the key of a key is itself. Of the local part it is
// the lower case in Unicode NFC, without quotes that say nothing; of the domain what
// DNS is asked for, UTS #46 ToASCII. What no address can contain, NUL and broken
// UTF-8, becomes U+FFFD: such a key may be looked up, and finds nothing. The key of
// an address in ASCII without quotes is its [FoldEmail].
func MailboxKey(email string) string {
	email = strings.ReplaceAll(strings.ToValidUTF8(strings.TrimSpace(email), string(utf8.RuneError)), "\x00", string(utf8.RuneError))
	at := strings.LastIndexByte(email, '@')
	if at < 0 {
		return localKey(email)
	}
	return localKey(email[:at]) + "@" + domainKey(email[at+1:])
}

// localKey is the caseless form of Unicode (section 3.13, D145) with simple case
// mappings, composed. Marks are put in order before the case is taken from letters,
// since one of them becomes a letter by it.
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

// lowerOf is the lower-case letter of all that differ from r in case only.
func lowerOf(r rune) rune {
	lower := unicode.ToLower(unicode.ToUpper(r))
	if strings.EqualFold(string(r), string(lower)) {
		return lower
	}
	return r // the dotless and the dotted i: in no language but Turkish are they cases of i
}

// toASCII is what a resolver does to a name (UTS #46, nontransitional), without the
// rules of registries about where hyphens may be.
var toASCII = idna.New(idna.MapForLookup(), idna.Transitional(false), idna.CheckHyphens(false))

// maxMappedDomain is the longest domain, in bytes, that is brought into ASCII: the
// time that takes grows with the square of the length. No spelling of a domain that
// is taken comes close.
const maxMappedDomain = 4 * maxEmail

// domainKey is the domain in ASCII, or in the form of a local part where it has none.
func domainKey(domain string) string {
	if !isASCII(domain) && len(domain) <= maxMappedDomain {
		// Tables of before Unicode 15.1 make two letters of the capital sharp s.
		if ascii, err := toASCII.ToASCII(strings.ReplaceAll(domain, "ẞ", "ß")); err == nil {
			return ascii
		}
	}
	return norm.NFC.String(strings.Map(lowerOf, norm.NFD.String(domain)))
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r > unicode.MaxASCII })
}
