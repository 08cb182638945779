// Package jsonobject reads JSON objects that strangers send, in time and memory
// that do not depend on what is in them: a text is walked once, values that
// nobody asks for are never built, and there are bounds on members and values.
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
	// MaxMembers is how many members one object may have that is read member by
	// member ([Reader.Object]); every operation has far fewer parameters.
	MaxMembers = 1000
	// MaxValues is how many names and values, nested ones included, one text may
	// have. It bounds what the decoder remembers to find a name given twice.
	MaxValues = 10_000
)

// The errors of a sound JSON text that has another shape than is read.
var (
	ErrNotObject = errors.New("is not a JSON object")
	ErrNotArray  = errors.New("is not a JSON array")
)

// SyntaxError says what is wrong with a text, and where. It repeats nothing of
// the text: names of members may be passwords that somebody put in the wrong place.
type SyntaxError struct {
	Problem   string // "is not valid JSON", "has a member twice" and the like
	Offset    int64  // in bytes from the start of the text; -1 where there is no place
	Duplicate bool   // a member is given twice
	Trailing  bool   // something follows the one value
	TooMuch   bool   // the text is over MaxMembers or MaxValues
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

// Reader walks one text from front to back. Errors are a [SyntaxError], one of
// the package's other errors, that of a visitor, or that of the context.
type Reader struct {
	ctx     context.Context //nolint:containedctx // a reader lives as long as one call of Read
	text    []byte
	source  bytes.Buffer
	decoder jsontext.Decoder
	values  int
}

var readers = sync.Pool{New: func() any { return new(Reader) }}

// Read runs work, which must read all of the one value that text holds. A member
// given twice, at any depth, broken UTF-8, more than 10,000 levels, more than
// [MaxValues] values and anything behind the value are errors. It ends when ctx
// does.
func Read(ctx context.Context, text []byte, work func(*Reader) error) error {
	return read(ctx, text, work)
}

// ReadLeniently is Read for a text that is known to be broken: members given twice
// and broken UTF-8 are passed over.
func ReadLeniently(ctx context.Context, text []byte, work func(*Reader) error) error {
	return read(ctx, text, work, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}

func read(ctx context.Context, text []byte, work func(*Reader) error, options ...jsontext.Options) error {
	r, _ := readers.Get().(*Reader)
	r.reset(ctx, text, options...)
	defer func() {
		r.reset(nil, nil) //nolint:staticcheck // the text may have megabytes, and the pool must not keep it
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

// Kind is that of the value that comes next.
func (r *Reader) Kind() jsontext.Kind { return r.decoder.PeekKind() }

// Value is the next value: a part of the text, not a copy.
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
		return r.text[end-len(value) : end], nil // value itself lasts until the next one is read
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

// Text is the text of the next value, a string, as part of what is read where
// nothing is escaped in it; nil where it is null.
func (r *Reader) Text() ([]byte, error) {
	value, err := r.Value()
	if err != nil || value.Kind() == 'n' {
		return nil, err
	}
	return Unquote(value)
}

// Object reads an object. visit gets the name of every member, in their order,
// and must read its value; name lasts until then.
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

// Array reads an array. visit must read the next element.
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

// other reads what is not of the wanted kind, to find out whether it is JSON at all.
func (r *Reader) other(wanted error) error {
	if _, err := r.Value(); err != nil {
		return err
	}
	return wanted
}

// skipToken moves on behind a bracket, a name or a scalar.
func (r *Reader) skipToken() error {
	if err := r.count(); err != nil {
		return err
	}
	if _, err := r.decoder.ReadToken(); err != nil {
		return r.broken(err)
	}
	return nil
}

// count counts a name, a value, or the end of one.
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

// broken is an error of the decoder without what the decoder repeats of the text.
func (r *Reader) broken(err error) error {
	var at *jsontext.SyntacticError
	switch {
	case !errors.As(err, &at):
		return &SyntaxError{Problem: "is not valid JSON", Offset: -1} // it ends too soon
	case errors.Is(err, jsontext.ErrDuplicateName):
		return &SyntaxError{Problem: "has a member twice", Offset: at.ByteOffset, Duplicate: true}
	default:
		return &SyntaxError{Problem: "is not valid JSON", Offset: at.ByteOffset}
	}
}

// Unquote is the text of a JSON string, as part of the value where nothing is
// escaped in it.
func Unquote(value jsontext.Value) ([]byte, error) {
	if value.Kind() != '"' {
		return nil, errors.New("is not a string")
	}
	if bytes.IndexByte(value, '\\') < 0 {
		return value[1 : len(value)-1], nil
	}
	return jsontext.AppendUnquote(nil, value)
}
