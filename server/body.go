package server

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
)

// canonicalBody is what the generated code reads behind the gate: canonical JSON,
// which is written when it is asked for, or the values themselves where they can
// be handed on as they are. A document of megabytes is not copied twice more so.
type canonicalBody struct {
	values map[string]any
	json   *bytes.Reader
}

// ValidatedValue is what runtime.BindJSONBody takes instead of JSON. It is nil,
// and JSON is read, where a value is JSON itself.
func (b *canonicalBody) ValidatedValue() any {
	for _, value := range b.values {
		switch value.(type) {
		case json.RawMessage, jsontext.Value:
			return nil
		}
	}
	return b.values
}

// Read reads the JSON.
func (b *canonicalBody) Read(p []byte) (int, error) {
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
func (b *canonicalBody) Close() error { return nil }

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
