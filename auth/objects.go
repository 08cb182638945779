package auth

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
)

var (
	errNotObject = errors.New("is not a JSON object")
	errNotArray  = errors.New("is not a JSON array")
)

// reader reads JSON that is in memory, once and from front to back. A member
// given twice, at any depth, broken UTF-8, more than 10,000 levels and anything
// after the one value are errors. It is kept for the next text by those who use
// it through read.
type reader struct {
	text    []byte
	source  bytes.Buffer
	decoder jsontext.Decoder
}

var readers = sync.Pool{New: func() any { return new(reader) }}

// read runs work, which must read all of the one value that text holds.
func read(text []byte, work func(*reader) error) error {
	r, _ := readers.Get().(*reader)
	r.reset(text)
	defer func() {
		r.reset(nil) // text may be megabytes
		readers.Put(r)
	}()
	if err := work(r); err != nil {
		return err
	}
	return atEnd(&r.decoder)
}

func (r *reader) reset(text []byte) {
	r.text, r.source = text, *bytes.NewBuffer(text)
	r.decoder.Reset(&r.source)
}

// kind is that of the value that comes next, as [jsontext.Kind] has it.
func (r *reader) kind() jsontext.Kind { return r.decoder.PeekKind() }

// value is the next value: a part of the text, not a copy.
func (r *reader) value() (jsontext.Value, error) {
	value, err := r.decoder.ReadValue()
	if err != nil {
		return nil, err
	}
	end := int(r.decoder.InputOffset())
	return r.text[end-len(value) : end], nil // value itself lasts until the next one is read
}

// textOrNull is the text of the next value, a string, as part of what is read
// where nothing is escaped in it; nil where it is null.
func (r *reader) textOrNull() ([]byte, error) {
	value, err := r.value()
	if err != nil || value.Kind() == 'n' {
		return nil, err
	}
	return unquote(value)
}

// object reads an object. visit gets the name of every member, in their order,
// and must read its value; name lasts until then.
func (r *reader) object(visit func(name []byte) error) (whole jsontext.Value, err error) {
	if r.kind() != '{' {
		return nil, errNotObject
	}
	if _, err := r.decoder.ReadToken(); err != nil {
		return nil, err
	}
	start := r.decoder.InputOffset() - 1
	for r.kind() != '}' {
		name, err := r.value()
		if err != nil {
			return nil, err
		}
		plain, err := unquote(name)
		if err != nil {
			return nil, err
		}
		if err := visit(plain); err != nil {
			return nil, err
		}
	}
	if _, err := r.decoder.ReadToken(); err != nil {
		return nil, err
	}
	return r.text[start:r.decoder.InputOffset()], nil
}

// array reads an array. visit must read the next element.
func (r *reader) array(visit func() error) error {
	if r.kind() != '[' {
		return errNotArray
	}
	if _, err := r.decoder.ReadToken(); err != nil {
		return err
	}
	for r.kind() != ']' {
		if err := visit(); err != nil {
			return err
		}
	}
	_, err := r.decoder.ReadToken()
	return err
}

// eachMember calls visit for every member of a JSON object, in their order. Values
// are parts of the object, not copies; name lasts until visit returns. visit may
// have been called before an error is found.
func eachMember(object []byte, visit func(name []byte, value jsontext.Value)) error {
	return read(object, func(r *reader) error {
		_, err := r.object(func(name []byte) error {
			value, err := r.value()
			if err == nil {
				visit(name, value)
			}
			return err
		})
		return err
	})
}

// eachElement does the same for the elements of a JSON array, and stops at the
// first error of visit.
func eachElement(array []byte, visit func(value jsontext.Value) error) error {
	return read(array, func(r *reader) error {
		return r.array(func() error {
			value, err := r.value()
			if err != nil {
				return err
			}
			return visit(value)
		})
	})
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
