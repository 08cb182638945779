package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"barong/internal/jsonobject"
	"barong/internal/problem"
)

// The parameters are what a request gives, by name: members that the operation knows.
// A value is a JSON value; one from a form is the JSON string of its text. What the
// text means is for the operation's schema to say (operation.go), so that all forms
// mean the same. Nothing that is wrong with them is answered or logged with a part
// of what was sent.

func unparsable(format string, args ...any) error {
	return problem.New(problem.BadRequest, fmt.Sprintf(format, args...))
}

// parseJSON reads one JSON object and nothing behind it; a body of white space
// has no parameters. A member that is given twice is refused (RFC 8259, section
// 4, leaves its meaning open). The values are parts of the body, not copies.
func parseJSON(ctx context.Context, body []byte, known func([]byte) bool) (given jsonobject.Members, err error) {
	if len(bytes.TrimSpace(body)) == 0 {
		return given, nil
	}
	err = jsonobject.Read(ctx, body, func(r *jsonobject.Reader) error {
		given, _, err = r.Members(known)
		return err
	})
	var broken *jsonobject.SyntaxError
	switch {
	case errors.Is(err, jsonobject.ErrNotObject):
		return given, unparsable("Request body is not a JSON object.")
	case !errors.As(err, &broken):
		return given, err
	case broken.Duplicate:
		return given, unparsable("Request body has a member twice, at byte %d.", broken.Offset)
	case broken.Trailing:
		return given, unparsable("Request body has more after its first JSON value, which ends at byte %d.", broken.Offset)
	case broken.TooMuch:
		return given, unparsable("Request body has more than %d members, or more than %d values in all.", jsonobject.MaxMembers, jsonobject.MaxValues)
	case broken.Offset < 0:
		return given, unparsable("Request body is not valid JSON.")
	default:
		return given, unparsable("Request body is not valid JSON, at byte %d.", broken.Offset)
	}
}

// parseForm reads a form (WHATWG URL, application/x-www-form-urlencoded). A value
// that nobody wants is held against the same rules and not kept.
func parseForm(ctx context.Context, body []byte, known func([]byte) bool) (jsonobject.Members, error) {
	given := jsonobject.Members{Values: map[string]jsontext.Value{}}
	seen := map[string]bool{}
	for rest := string(body); rest != ""; {
		at := len(body) - len(rest)
		var pair string
		pair, rest, _ = strings.Cut(rest, "&")
		if pair == "" {
			continue
		}
		if err := ctx.Err(); err != nil {
			return given, err
		}
		escapedName, escapedText, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(escapedName)
		text, textErr := url.QueryUnescape(escapedText)
		switch {
		case err != nil, textErr != nil, strings.Contains(pair, ";"):
			return given, unparsable("Request body is not a valid form, in the parameter at byte %d.", at)
		case !utf8.ValidString(name), !utf8.ValidString(text):
			return given, unparsable("Request body has text that is not UTF-8 in the parameter at byte %d.", at)
		case seen[name]:
			return given, unparsable("Request body has a parameter twice, at byte %d.", at)
		case len(seen) == jsonobject.MaxMembers:
			return given, unparsable("Request body has more than %d parameters.", jsonobject.MaxMembers)
		}
		seen[name] = true
		if !known([]byte(name)) {
			given.AddUnknown([]byte(name))
			continue
		}
		if given.Values[name], err = jsontext.AppendQuote(nil, text); err != nil {
			return given, err
		}
	}
	return given, nil
}

// isStrict says whether the caller wants to hear of parameters that the operation
// does not know: Prefer: handling=strict (RFC 7240, section 4.4).
func isStrict(r *http.Request) bool {
	for _, line := range r.Header.Values("Prefer") {
		for preference := range strings.SplitSeq(line, ",") {
			token, _, _ := strings.Cut(preference, ";")
			name, value, _ := strings.Cut(token, "=")
			if strings.EqualFold(strings.TrimSpace(name), "handling") && strings.EqualFold(strings.Trim(strings.TrimSpace(value), `"`), "strict") {
				return true
			}
		}
	}
	return false
}
