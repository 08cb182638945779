package jsonobject

import (
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

const (
	// maxUnknown is how many names of unknown members are kept.
	maxUnknown = 20
	// maxName is how much of such a name is kept, in characters: no answer repeats
	// more of what a caller made up.
	maxName = 64
)

// Members are those of one object: the values of the wanted ones, as parts of the
// text, and the names of the first others.
type Members struct {
	Values  map[string]jsontext.Value
	Unknown []string
}

// Members reads an object and keeps the values of the members that are wanted. It
// returns the whole object, too.
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

// AddUnknown notes the name of a member that nobody wants, unless there are many.
func (m *Members) AddUnknown(name []byte) {
	if len(m.Unknown) < maxUnknown {
		m.Unknown = append(m.Unknown, shorten(name))
	}
}

// shorten is the beginning of a name.
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
