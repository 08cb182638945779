package auth

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

var errNotObject = errors.New("is not a JSON object")

// eachMember calls visit for every member of a JSON object, in their order. Values
// are parts of the object, not copies. A member given twice, at any depth, broken
// UTF-8, more than 10,000 levels and anything after the object are errors; visit
// may have been called by then.
func eachMember(object []byte, visit func(name string, value jsontext.Value)) error {
	decoder := jsontext.NewDecoder(bytes.NewBuffer(object))
	if decoder.PeekKind() != '{' {
		return errNotObject
	}
	if _, err := decoder.ReadToken(); err != nil {
		return err
	}
	for decoder.PeekKind() != '}' {
		token, err := decoder.ReadToken()
		if err != nil {
			return err
		}
		name := token.String()
		value, err := decoder.ReadValue()
		if err != nil {
			return err
		}
		end := int(decoder.InputOffset())
		visit(name, object[end-len(value):end])
	}
	if _, err := decoder.ReadToken(); err != nil {
		return err
	}
	return atEnd(decoder)
}

// eachElement does the same for the elements of a JSON array, and stops at the
// first error of visit. A value lasts until visit returns.
func eachElement(array []byte, visit func(value jsontext.Value) error) error {
	decoder := jsontext.NewDecoder(bytes.NewBuffer(array))
	if decoder.PeekKind() != '[' {
		return errors.New("is not a JSON array")
	}
	if _, err := decoder.ReadToken(); err != nil {
		return err
	}
	for decoder.PeekKind() != ']' {
		value, err := decoder.ReadValue()
		if err != nil {
			return err
		}
		if err := visit(value); err != nil {
			return err
		}
	}
	if _, err := decoder.ReadToken(); err != nil {
		return err
	}
	return atEnd(decoder)
}

func atEnd(decoder *jsontext.Decoder) error {
	_, err := decoder.ReadToken()
	switch {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		return err
	default:
		return fmt.Errorf("something follows at byte %d", decoder.InputOffset())
	}
}

// unquote returns the text of a JSON string, as part of the value where nothing
// is escaped in it.
func unquote(value jsontext.Value) ([]byte, error) {
	if value.Kind() != '"' {
		return nil, errors.New("is not a string")
	}
	if bytes.IndexByte(value, '\\') < 0 {
		return value[1 : len(value)-1], nil
	}
	return jsontext.AppendUnquote(nil, value)
}

// maxCause is how long the cause of a refusal may be, in bytes: the decoder
// quotes names of members in full, and a caller makes them as long as he likes.
const maxCause = 300

// brief is err, or the beginning of its text where that would fill a log.
func brief(err error) error {
	text := err.Error()
	if len(text) <= maxCause {
		return err
	}
	return errors.New(strings.ToValidUTF8(text[:maxCause], "") + " ...")
}
