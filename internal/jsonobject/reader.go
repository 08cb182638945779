// Package jsonobject reads untrusted JSON objects with bounded time and memory: it reads a
// text once, does not build values that are not needed, and limits the number of members and
// values.
package jsonobject

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
)

const (
	// MaxMembers is the maximum number of members of an object that is read member by member
	// ([Reader.Object]). Every operation has far fewer parameters.
	MaxMembers = 1000
	// MaxValues is the maximum number of names and values in a text, including nested ones. It
	// bounds the memory for detecting duplicate names.
	MaxValues = 10_000
)

// Errors for valid JSON of another type than expected.
var (
	ErrNotObject = errors.New("is not a JSON object")
	ErrNotArray  = errors.New("is not a JSON array")
)

// SyntaxError describes an error in a text and its position. It repeats nothing of the text:
// even a member name may be a misplaced password.
type SyntaxError struct {
	Problem   string // "is not valid JSON", "has a member twice" and the like
	Offset    int64  // in bytes from the start of the text; -1 if unknown
	Duplicate bool   // an object has two members of the same name
	Trailing  bool   // something follows the JSON value
	TooMuch   bool   // the text exceeds MaxMembers or MaxValues
}

func (e *SyntaxError) Error() string {
	switch {
	case e.Offset < 0:
		return e.Problem
	case e.Trailing:
		return fmt.Sprintf("%s at byte %d", e.Problem, e.Offset)
	default:
		return fmt.Sprintf("%s, at byte %d", e.Problem, e.Offset)
	}
}

// Reader reads one text from start to end. Its errors are a [SyntaxError], one of the
// package's other errors, an error of a visitor, or that of the context.
type Reader struct {
	ctx     context.Context //nolint:containedctx // a reader lives only during one call of Read
	text    []byte
	source  bytes.Buffer
	decoder jsontext.Decoder
	values  int
}

var readers = sync.Pool{New: func() any { return new(Reader) }}

// Read calls work, which must read the one value of the text. Errors are: a duplicate member
// at any depth, invalid UTF-8, more than 10,000 levels, more than [MaxValues] values, and
// anything after the value. Read ends when ctx does.
func Read(ctx context.Context, text []byte, work func(*Reader) error) error {
	return read(ctx, text, work)
}

// ReadLeniently is like Read, but accepts duplicate members and invalid UTF-8. It is for texts
// that are known to be malformed.
func ReadLeniently(ctx context.Context, text []byte, work func(*Reader) error) error {
	return read(ctx, text, work, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}

func read(ctx context.Context, text []byte, work func(*Reader) error, options ...jsontext.Options) error {
	r, _ := readers.Get().(*Reader)
	r.reset(ctx, text, options...)
	defer func() {
		r.reset(nil, nil) //nolint:staticcheck // the pool must not retain the text, which may have several megabytes
		readers.Put(r)
	}()
	if err := work(r); err != nil {
		return err
	}
	return r.atEnd()
}

func (r *Reader) reset(ctx context.Context, text []byte, options ...jsontext.Options) {
	r.ctx, r.text, r.source, r.values = ctx, text, *bytes.NewBuffer(text), 0
	r.decoder.Reset(&r.source, options...)
}

// Kind returns the kind of the next value.
func (r *Reader) Kind() jsontext.Kind { return r.decoder.PeekKind() }

// Value returns the next value as a slice of the text.
func (r *Reader) Value() (jsontext.Value, error) {
	if kind := r.Kind(); kind != '{' && kind != '[' {
		if err := r.count(); err != nil {
			return nil, err
		}
		value, err := r.decoder.ReadValue()
		if err != nil {
			return nil, r.broken(err)
		}
		end := int(r.decoder.InputOffset())
		return r.text[end-len(value) : end], nil // value itself is only valid until the next read
	}
	depth := r.decoder.StackDepth()
	start := int64(-1)
	for start < 0 || r.decoder.StackDepth() > depth {
		if err := r.skipToken(); err != nil {
			return nil, err
		}
		if start < 0 {
			start = r.decoder.InputOffset() - 1
		}
	}
	return r.text[start:r.decoder.InputOffset()], nil
}

// Text returns the decoded next value, which must be a string or null (nil). It is a slice of
// the text if nothing in it is escaped.
func (r *Reader) Text() ([]byte, error) {
	value, err := r.Value()
	if err != nil || value.Kind() == 'n' {
		return nil, err
	}
	return Unquote(value)
}

// Object reads an object. It calls visit with the name of each member, in order; visit must
// read the member's value. name is only valid until then.
func (r *Reader) Object(visit func(name []byte) error) (whole jsontext.Value, err error) {
	if r.Kind() != '{' {
		return nil, r.other(ErrNotObject)
	}
	if err := r.skipToken(); err != nil {
		return nil, err
	}
	start := r.decoder.InputOffset() - 1
	for members := 0; r.Kind() != '}'; members++ {
		if members == MaxMembers {
			return nil, &SyntaxError{Problem: fmt.Sprintf("has more than %d members", MaxMembers), Offset: -1, TooMuch: true}
		}
		name, err := r.Value()
		if err != nil {
			return nil, err
		}
		plain, err := Unquote(name)
		if err != nil {
			return nil, err
		}
		if err := visit(plain); err != nil {
			return nil, err
		}
	}
	if err := r.skipToken(); err != nil {
		return nil, err
	}
	return r.text[start:r.decoder.InputOffset()], nil
}

// Array reads an array. It calls visit for each element; visit must read the element.
func (r *Reader) Array(visit func() error) error {
	if r.Kind() != '[' {
		return r.other(ErrNotArray)
	}
	if err := r.skipToken(); err != nil {
		return err
	}
	for r.Kind() != ']' {
		if err := visit(); err != nil {
			return err
		}
	}
	return r.skipToken()
}

// other skips a value of an unexpected kind. It returns its syntax error if it is malformed,
// else wanted.
func (r *Reader) other(wanted error) error {
	if _, err := r.Value(); err != nil {
		return err
	}
	return wanted
}

// skipToken skips a bracket, a name or a scalar.
func (r *Reader) skipToken() error {
	if err := r.count(); err != nil {
		return err
	}
	if _, err := r.decoder.ReadToken(); err != nil {
		return r.broken(err)
	}
	return nil
}

// count counts a name, a scalar or a bracket against MaxValues.
func (r *Reader) count() error {
	if r.values++; r.values > MaxValues {
		return &SyntaxError{Problem: fmt.Sprintf("has more than %d values", MaxValues), Offset: -1, TooMuch: true}
	}
	return r.ctx.Err()
}

func (r *Reader) atEnd() error {
	end := r.decoder.InputOffset()
	_, err := r.decoder.ReadToken()
	switch {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		return r.broken(err)
	default:
		return &SyntaxError{Problem: "has more after its first JSON value, which ends", Offset: end, Trailing: true}
	}
}

// broken converts an error of the decoder to one that repeats nothing of the text.
func (r *Reader) broken(err error) error {
	var at *jsontext.SyntacticError
	switch {
	case !errors.As(err, &at):
		return &SyntaxError{Problem: "is not valid JSON", Offset: -1} // the text ends too early
	case errors.Is(err, jsontext.ErrDuplicateName):
		return &SyntaxError{Problem: "has a member twice", Offset: at.ByteOffset, Duplicate: true}
	default:
		return &SyntaxError{Problem: "is not valid JSON", Offset: at.ByteOffset}
	}
}

// Unquote decodes a JSON string. The result is a slice of the value if nothing in it is
// escaped.
func Unquote(value jsontext.Value) ([]byte, error) {
	if value.Kind() != '"' {
		return nil, errors.New("is not a string")
	}
	if bytes.IndexByte(value, '\\') < 0 {
		return value[1 : len(value)-1], nil
	}
	return jsontext.AppendUnquote(nil, value)
}
