package journal

import "github.com/go-json-experiment/json/jsontext"

// leafSize is the size of most leaves, in bytes; a larger one is made all the same.
const leafSize = 1536

// leaf writes an object of canonical JSON (RFC 8785) member by member, in the order in which they come. A value
// that is no JSON is an error.
type leaf struct {
	text []byte
	err  error
}

func (l *leaf) name(name string) {
	separator := byte(',')
	if len(l.text) == 0 {
		separator = '{'
	}
	l.text = append(l.text, separator)
	l.quote(name)
	l.text = append(l.text, ':')
}

// quote escapes as section 3.2.2.2 wants it, and replaces what is not UTF-8 by U+FFFD: the database has no such
// text, so the error says nothing.
func (l *leaf) quote(text string) {
	l.text, _ = jsontext.AppendQuote(l.text, text)
}

func (l *leaf) string(name, value string) {
	l.name(name)
	l.quote(value)
}

// optional is string; nil is null.
func (l *leaf) optional(name string, value *string) {
	if value == nil {
		l.json(name, nil)
		return
	}
	l.string(name, *value)
}

// strings is an array; nil is null.
func (l *leaf) strings(name string, values []string) {
	if values == nil {
		l.json(name, nil)
		return
	}
	l.name(name)
	l.text = append(l.text, '[')
	for i, value := range values {
		if i > 0 {
			l.text = append(l.text, ',')
		}
		l.quote(value)
	}
	l.text = append(l.text, ']')
}

// json is a value of any kind; nil is null.
func (l *leaf) json(name string, value []byte) {
	l.name(name)
	if value == nil {
		l.text = append(l.text, "null"...)
		return
	}
	canonical := jsontext.Value(value).Clone()
	if err := canonical.Canonicalize(); err != nil && l.err == nil {
		l.err = err
	}
	l.text = append(l.text, canonical...)
}
