package server

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
)

// canonicalBody is what the generated code reads behind the gate: canonical JSON,
// or the values themselves where each can be handed on as it is. A document of
// megabytes is not copied twice more so.
func canonicalBody(values map[string]any) io.ReadCloser {
	text := encoded{values: values}
	for _, value := range values {
		if _, isJSON := value.(jsontext.Value); isJSON {
			return &text
		}
	}
	return &validated{text}
}

// encoded is values as JSON, which is written when it is first read.
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

// Close has nothing to let go of.
func (b *encoded) Close() error { return nil }

// validated is encoded with the method by which runtime.BindJSONBody takes values
// instead of JSON.
type validated struct{ encoded }

func (b *validated) ValidatedValue() any { return b.values }

// encodeObject writes one JSON object, and JSON in it as it came.
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
