package server

import (
	"bytes"
	"math/big"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/go-json-experiment/json/jsontext"
)

// state is the result of reading a parameter.
type state int

const (
	absent   state = iota // not given, or null where it is optional
	blank                 // only white space, or null where a value is required
	mistyped              // in no accepted spelling of the schema's type
	present
)

// read returns the value of a parameter, converted to the type of its schema. An object stays
// the raw jsontext.Value from the request: encoding it again could invalidate signatures in
// it.
func (p parameter) read(input map[string]jsontext.Value) (any, state) {
	raw, ok := input[p.name]
	if !ok {
		return nil, absent
	}
	switch raw.Kind() {
	case 'n':
		if p.required {
			return nil, blank
		}
		return nil, absent
	case '"':
		if bytes.IndexByte(raw, '\\') < 0 {
			return coerceText(p.schema, string(raw[1:len(raw)-1])) // the common case; large values (base64) have no escapes
		}
		text, err := jsontext.AppendUnquote(nil, raw)
		if err != nil {
			return nil, mistyped
		}
		return coerceText(p.schema, string(text))
	case '{':
		if p.schema.Type.Is(openapi3.TypeObject) {
			return raw, present
		}
		return nil, mistyped
	case '[':
		return nil, mistyped
	default: // a number, true or false is read like the same text in a form
		return coerceScalar(p.schema, raw)
	}
}

// coerceText converts a text to the schema's type. All values of a form arrive as text.
func coerceText(schema *openapi3.Schema, text string) (any, state) {
	trimmed := strings.TrimSpace(text)
	if trimmed == "" {
		return nil, blank
	}
	switch {
	case schema.Type.Is(openapi3.TypeInteger):
		// Unlike a JSON number, a text with a fraction or an exponent is rejected.
		n, err := strconv.ParseInt(trimmed, 10, 64)
		return n, presentIf(err == nil)
	case schema.Type.Is(openapi3.TypeBoolean):
		value, ok := booleans[strings.ToLower(trimmed)]
		return value, presentIf(ok)
	case schema.Type.Is(openapi3.TypeObject):
		value := jsontext.Value(trimmed)
		return value, presentIf(value.Kind() == '{' && value.IsValid())
	case schema.Format == "date":
		return trimmed, presentIf(!strings.ContainsRune(trimmed, 0))
	default:
		// NUL is rejected: no valid value contains it, and Postgres cannot store it.
		return text, presentIf(!strings.ContainsRune(text, 0))
	}
}

// coerceScalar converts a JSON number, true or false to the schema's type.
func coerceScalar(schema *openapi3.Schema, raw jsontext.Value) (any, state) {
	if schema.Type.Is(openapi3.TypeInteger) && raw.Kind() == '0' {
		return coerceNumber(raw.String())
	}
	if schema.Type.Is(openapi3.TypeObject) {
		return nil, mistyped
	}
	return coerceText(schema, withZeros(schema, raw.String()))
}

// withZeros restores the leading zeros that a code loses as a JSON number, where the schema
// declares its number of digits in x-digits. For example, the authenticator code 012345
// arrives as 12345.
func withZeros(schema *openapi3.Schema, literal string) string {
	digits, _ := schema.Extensions["x-digits"].(float64)
	if strings.Trim(literal, "0123456789") != "" || len(literal) >= int(digits) {
		return literal
	}
	return strings.Repeat("0", int(digits)-len(literal)) + literal
}

// coerceNumber parses a JSON number as an integer. It accepts a fraction and an exponent if
// the value is whole: 2.0 is 2.
func coerceNumber(literal string) (any, state) {
	if n, err := strconv.ParseInt(literal, 10, 64); err == nil {
		return n, present
	}
	// Numbers outside the range of float64 are rejected. A big.Rat would need unbounded memory
	// for a large exponent.
	float, err := strconv.ParseFloat(literal, 64)
	if err != nil {
		return nil, mistyped
	}
	whole, accuracy := big.NewFloat(float).Int64()
	return whole, presentIf(accuracy == big.Exact)
}

func presentIf(ok bool) state {
	if ok {
		return present
	}
	return mistyped
}

// booleans maps the accepted spellings of a boolean, in lower case, to their values. Letter
// case does not matter. The spellings are those of Barong.
var booleans = map[string]bool{
	"true": true, "t": true, "1": true, "yes": true, "y": true, "on": true,
	"false": false, "f": false, "0": false, "no": false, "n": false, "off": false,
}
