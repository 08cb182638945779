package server

import (
	"bytes"
	"math/big"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/go-json-experiment/json/jsontext"
)

// state is what became of a parameter when its value was read.
type state int

const (
	absent   state = iota // not given, or an explicit null where it is optional
	blank                 // white space, or null where a value is required
	mistyped              // not of the schema's type, in any spelling
	present
)

// read finds the value of a parameter and gives it the type of its schema. An
// object stays the jsontext.Value that it came as: what others signed must not be
// written anew.
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
			return coerceText(p.schema, string(raw[1:len(raw)-1])) // as nearly always, and always where it is large
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
	default: // a number, true or false: as the text that a form would hold
		return coerceScalar(p.schema, raw)
	}
}

// coerceText reads a text as the schema's type, as every value of a form is read.
func coerceText(schema *openapi3.Schema, text string) (any, state) {
	trimmed := strings.TrimSpace(text)
	if trimmed == "" {
		return nil, blank
	}
	switch {
	case schema.Type.Is(openapi3.TypeInteger):
		// No fraction and no exponent: nobody writes a page number so in a form.
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
		// No text of ours holds a NUL, and the database cannot.
		return text, presentIf(!strings.ContainsRune(text, 0))
	}
}

// coerceScalar reads a JSON number, true or false as the schema's type.
func coerceScalar(schema *openapi3.Schema, raw jsontext.Value) (any, state) {
	if schema.Type.Is(openapi3.TypeInteger) && raw.Kind() == '0' {
		return coerceNumber(raw.String())
	}
	if schema.Type.Is(openapi3.TypeObject) {
		return nil, mistyped
	}
	return coerceText(schema, withZeros(schema, raw.String()))
}

// withZeros gives a number the zeros back that it lost in front, where the schema says
// with x-digits how many digits its text has: the code 012345 of an authenticator is
// 12345 in JSON.
func withZeros(schema *openapi3.Schema, literal string) string {
	digits, _ := schema.Extensions["x-digits"].(float64)
	if strings.Trim(literal, "0123456789") != "" || len(literal) >= int(digits) {
		return literal
	}
	return strings.Repeat("0", int(digits)-len(literal)) + literal
}

// coerceNumber reads a JSON number that may be written with a fraction or an
// exponent, as long as it is whole: 2.0 is 2.
func coerceNumber(literal string) (any, state) {
	if n, err := strconv.ParseInt(literal, 10, 64); err == nil {
		return n, present
	}
	// What a float64 cannot hold, the exponents that would blow up a big.Rat
	// among them, is no number of ours.
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

// booleans are the spellings that Barong takes, in any case.
var booleans = map[string]bool{
	"true": true, "t": true, "1": true, "yes": true, "y": true, "on": true,
	"false": false, "f": false, "0": false, "no": false, "n": false, "off": false,
}
