package server

import (
	"net/http"
	"regexp"
	"strings"
)

var (
	emailAddress = regexp.MustCompile(`[^\s"'<>()=,;:/\\]+@([^\s"'<>()=,;/\\]+)`)
	token        = regexp.MustCompile(`eyJ[A-Za-z0-9_-]{5,}(\.[A-Za-z0-9_-]*)*`) // JSON in base64url, like the parts of a JWS
	digest       = regexp.MustCompile(`\$[a-z0-9-]+\$[^\s"]{16,}`)
)

// textLimit is the maximum number of bytes of an external text in the log. The stack of a
// panic fits.
const textLimit = 8 << 10

// redacted prepares a text for the log that may contain data from a request or an error of a
// library. Messages of this module need no redaction: they contain no personal data.
func redacted(text string) string {
	if len(text) > textLimit {
		text = strings.ToValidUTF8(text[:textLimit], "") + "…"
	}
	if strings.Contains(text, "@") {
		text = emailAddress.ReplaceAllString(text, "…@$1")
	}
	if strings.Contains(text, "eyJ") {
		text = token.ReplaceAllString(text, "[token]")
	}
	if strings.Contains(text, "$") {
		text = digest.ReplaceAllString(text, "[digest]")
	}
	return text
}

// pathLimit is the maximum length of a logged path, in bytes. All paths of the API are
// shorter.
const pathLimit = 128

// pathOf returns the path for the log. A path that is not an operation's may contain anything.
func pathOf(r *http.Request, operation string) string {
	if operation != "" {
		return r.URL.Path
	}
	path := redacted(r.URL.Path)
	if len(path) > pathLimit {
		path = strings.ToValidUTF8(path[:pathLimit], "") + "…"
	}
	return path
}
