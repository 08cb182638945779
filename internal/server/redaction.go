package server

import (
	"net/http"
	"regexp"
	"strings"
)

var (
	emailAddress = regexp.MustCompile(`[^\s"'<>()=,;:/\\]+@([^\s"'<>()=,;/\\]+)`)
	token        = regexp.MustCompile(`eyJ[A-Za-z0-9_-]{5,}(\.[A-Za-z0-9_-]*)*`) // JSON in base64url, as JWS has it
	digest       = regexp.MustCompile(`\$[a-z0-9-]+\$[^\s"]{16,}`)
)

// textLimit is how many bytes of a text from outside the log takes: the stack of a
// panic fits.
const textLimit = 8 << 10

// redacted makes a text that may hold what a caller sent, or an error of somebody
// else's code, fit for the log. Our own sentences hold no personal data: this is
// for what is not ours.
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

// pathLimit is in bytes; no path of ours is longer.
const pathLimit = 128

// pathOf is the path for the log. One that is not of an operation may be anything.
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
