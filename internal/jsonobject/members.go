package jsonobject

import (
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

const (
	// maxUnknown is the maximum number of unknown member names that are kept.
	maxUnknown = 20
	// maxName is the maximum length, in characters, of a kept name. It bounds what responses
	// repeat of a request.
	maxName = 64
)

// Members are the members of one object: the wanted values, as slices of the text, and the
// first names of unknown members.
type Members struct {
	Values  map[string]jsontext.Value
	Unknown []string
}

// Members reads an object and keeps the values of members for which wanted returns true. It
// also returns the whole object.
func (r *Reader) Members(wanted func(name []byte) bool) (Members, jsontext.Value, error) {
	members := Members{Values: map[string]jsontext.Value{}}
	whole, err := r.Object(func(name []byte) error {
		if !wanted(name) {
			members.AddUnknown(name)
			_, err := r.Value()
			return err
		}
		key := string(name)
		value, err := r.Value()
		members.Values[key] = value
		return err
	})
	return members, whole, err
}

// AddUnknown stores the name of an unknown member, up to maxUnknown names.
func (m *Members) AddUnknown(name []byte) {
	if len(m.Unknown) < maxUnknown {
		m.Unknown = append(m.Unknown, shorten(name))
	}
}

// shorten truncates a name to maxName characters.
func shorten(name []byte) string {
	end := 0
	for range maxName {
		_, size := utf8.DecodeRune(name[end:])
		if end += size; end == len(name) {
			return string(name)
		}
	}
	return string(name[:end]) + "…"
}
