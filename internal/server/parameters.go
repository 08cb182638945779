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

// Parameters are the members of a request that the operation declares, by name. Each is a JSON
// value; a value of a form becomes the JSON string of its text. The operation's schema gives
// the text its type (coercion.go), so that all forms of a request mean the same. Neither
// responses nor logs repeat any part of malformed input.

func unparsable(format string, args ...any) error {
	return problem.New(problem.BadRequest, fmt.Sprintf(format, args...))
}

// parseJSON parses a body that is exactly one JSON object; a body of white space has no
// parameters. A duplicate member is an error, because RFC 8259, section 4, leaves its meaning
// undefined. The values are slices of the body, not copies.
func parseJSON(ctx context.Context, body []byte, known func([]byte) bool) (input jsonobject.Members, err error) {
	if len(bytes.TrimSpace(body)) == 0 {
		return input, nil
	}
	err = jsonobject.Read(ctx, body, func(r *jsonobject.Reader) error {
		input, _, err = r.Members(known)
		return err
	})
	var broken *jsonobject.SyntaxError
	switch {
	case errors.Is(err, jsonobject.ErrNotObject):
		return input, unparsable("Request body is not a JSON object.")
	case !errors.As(err, &broken):
		return input, err
	case broken.Duplicate:
		return input, unparsable("Request body has a member twice, at byte %d.", broken.Offset)
	case broken.Trailing:
		return input, unparsable("Request body has more after its first JSON value, which ends at byte %d.", broken.Offset)
	case broken.TooMuch:
		return input, unparsable("Request body has more than %d members, or more than %d values in all.", jsonobject.MaxMembers, jsonobject.MaxValues)
	case broken.Offset < 0:
		return input, unparsable("Request body is not valid JSON.")
	default:
		return input, unparsable("Request body is not valid JSON, at byte %d.", broken.Offset)
	}
}

// parseForm parses a form (application/x-www-form-urlencoded, WHATWG URL). Unknown parameters
// are checked by the same rules, but only their names are kept.
func parseForm(ctx context.Context, body []byte, known func([]byte) bool) (jsonobject.Members, error) {
	input := jsonobject.Members{Values: map[string]jsontext.Value{}}
	seen := map[string]bool{}
	for rest := string(body); rest != ""; {
		at := len(body) - len(rest)
		var pair string
		pair, rest, _ = strings.Cut(rest, "&")
		if pair == "" {
			continue
		}
		if err := ctx.Err(); err != nil {
			return input, err
		}
		escapedName, escapedText, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(escapedName)
		text, textErr := url.QueryUnescape(escapedText)
		switch {
		case err != nil, textErr != nil, strings.Contains(pair, ";"):
			return input, unparsable("Request body is not a valid form, in the parameter at byte %d.", at)
		case !utf8.ValidString(name), !utf8.ValidString(text):
			return input, unparsable("Request body has text that is not UTF-8 in the parameter at byte %d.", at)
		case seen[name]:
			return input, unparsable("Request body has a parameter twice, at byte %d.", at)
		case len(seen) == jsonobject.MaxMembers:
			return input, unparsable("Request body has more than %d parameters.", jsonobject.MaxMembers)
		}
		seen[name] = true
		if !known([]byte(name)) {
			input.AddUnknown([]byte(name))
			continue
		}
		if input.Values[name], err = jsontext.AppendQuote(nil, text); err != nil {
			return input, err
		}
	}
	return input, nil
}

// isStrict reports whether the client asks for errors about unknown parameters:
// Prefer: handling=strict (RFC 7240, section 4.4).
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
