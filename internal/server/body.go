package server

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
)

// canonicalBody returns the request body for the generated code: the values themselves where
// none of them is raw JSON, else canonical JSON. Passing the values saves two copies of a
// document of several megabytes.
func canonicalBody(values map[string]any) io.ReadCloser {
	text := encoded{values: values}
	for _, value := range values {
		if _, isJSON := value.(jsontext.Value); isJSON {
			return &text
		}
	}
	return &validated{text}
}

// encoded is a body that encodes values as JSON on the first read.
type encoded struct {
	values map[string]any
	json   *bytes.Reader
}

func (b *encoded) Read(p []byte) (int, error) {
	if b.json == nil {
		text, err := encodeObject(b.values)
		if err != nil {
			return 0, err
		}
		b.json = bytes.NewReader(text)
	}
	return b.json.Read(p)
}

// Close does nothing: the body holds no resources.
func (b *encoded) Close() error { return nil }

// validated is an encoded body with the method that the generated code's runtime.BindJSONBody
// calls to take the values without decoding JSON.
type validated struct{ encoded }

func (b *validated) ValidatedValue() any { return b.values }

// encodeObject encodes values as a JSON object with sorted names. Raw JSON values are copied
// unchanged.
func encodeObject(values map[string]any) ([]byte, error) {
	text := []byte{'{'}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if len(text) > 1 {
			text = append(text, ',')
		}
		var err error
		if text, err = jsontext.AppendQuote(text, name); err != nil {
			return nil, err
		}
		value, ok := values[name].(jsontext.Value)
		if !ok {
			if value, err = json.Marshal(values[name]); err != nil {
				return nil, err
			}
		}
		text = append(append(text, ':'), value...)
	}
	return append(text, '}'), nil
}
