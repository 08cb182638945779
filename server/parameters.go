package server

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"barong/identity"
)

// parameters are what a request gives, by name. A value is a JSON value; one
// from a form is the JSON string of its text. What the text means is for the
// operation's schema to say (operation.go), so that all forms mean the same.
type parameters map[string]jsontext.Value

func unparsable(format string, args ...any) error {
	return identity.E(identity.BadRequest, fmt.Sprintf(format, args...))
}

// decoders are kept from one body to the next.
var decoders = sync.Pool{New: func() any { return new(jsontext.Decoder) }}

var nothing = strings.NewReader("")

// parseJSON reads one JSON object and nothing behind it; a body of white space
// has no parameters. A member that is given twice is refused (RFC 8259, section
// 4, leaves its meaning open). The values are parts of the body, not copies.
func parseJSON(body []byte) (parameters, error) {
	if len(bytes.TrimSpace(body)) == 0 {
		return nil, nil
	}
	decoder, _ := decoders.Get().(*jsontext.Decoder)
	decoder.Reset(bytes.NewBuffer(body))
	defer func() {
		decoder.Reset(nothing) // body may be megabytes
		decoders.Put(decoder)
	}()
	if decoder.PeekKind() != '{' {
		if _, err := decoder.ReadValue(); err != nil {
			return nil, malformed(err)
		}
		return nil, unparsable("Request body is not a JSON object.")
	}
	if _, err := decoder.ReadToken(); err != nil {
		return nil, malformed(err)
	}
	given := parameters{}
	for decoder.PeekKind() != '}' {
		name, err := decoder.ReadToken()
		if err != nil {
			return nil, malformed(err)
		}
		key := name.String()
		value, err := decoder.ReadValue()
		if err != nil {
			return nil, malformed(err)
		}
		end := int(decoder.InputOffset())
		given[key] = body[end-len(value) : end] // value itself lasts until the next one is read
	}
	if _, err := decoder.ReadToken(); err != nil {
		return nil, malformed(err)
	}
	end := decoder.InputOffset()
	if _, err := decoder.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, unparsable("Request body has more after its first JSON value, which ends at byte %d.", end)
	}
	return given, nil
}

func malformed(err error) error {
	var at *jsontext.SyntacticError
	switch {
	case !errors.As(err, &at):
		return identity.E(identity.BadRequest, "Request body is not valid JSON.").Because(err)
	case errors.Is(err, jsontext.ErrDuplicateName):
		return unparsable("Request body has a member twice, at byte %d.", at.ByteOffset)
	default:
		return unparsable("Request body is not valid JSON, at byte %d.", at.ByteOffset)
	}
}

// parseForm reads a form (WHATWG URL, application/x-www-form-urlencoded).
func parseForm(body []byte) (parameters, error) {
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, unparsable("Request body is not a valid form: %s.", err)
	}
	given := make(parameters, len(values))
	for name, texts := range values {
		if len(texts) > 1 {
			return nil, unparsable("Request body has the parameter %q twice.", name)
		}
		if !utf8.ValidString(name) || !utf8.ValidString(texts[0]) {
			return nil, unparsable("Request body has text that is not UTF-8 in the parameter %q.", name)
		}
		if given[name], err = jsontext.AppendQuote(nil, texts[0]); err != nil {
			return nil, err
		}
	}
	return given, nil
}
