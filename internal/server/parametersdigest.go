package server

import (
	"crypto/sha256"
	"hash"
	"maps"
	"slices"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// digestChunk is how much of a text is escaped at a time, in bytes.
const digestChunk = 32 << 10

// parametersDigest returns the SHA-256 of canonical parameters as canonical JSON (RFC 8785). A text is
// escaped in parts: a document has several megabytes.
func parametersDigest(values map[string]any) (sum [sha256.Size]byte, err error) {
	digest := sha256.New()
	separator := "{"
	for _, name := range slices.Sorted(maps.Keys(values)) { // names are ASCII, whose order is that of UTF-16
		_, _ = digest.Write([]byte(separator))
		separator = ","
		if err := digestText(digest, name); err != nil {
			return sum, err
		}
		_, _ = digest.Write([]byte(":"))
		if err := digestValue(digest, values[name]); err != nil {
			return sum, err
		}
	}
	if len(values) == 0 {
		_, _ = digest.Write([]byte(separator))
	}
	_, _ = digest.Write([]byte("}"))
	digest.Sum(sum[:0])
	return sum, nil
}

func digestValue(digest hash.Hash, value any) error {
	var raw jsontext.Value
	switch v := value.(type) {
	case string:
		return digestText(digest, v)
	case jsontext.Value:
		raw = v.Clone()
	default:
		var err error
		if raw, err = json.Marshal(v); err != nil {
			return err
		}
	}
	if err := raw.Canonicalize(); err != nil {
		return err
	}
	_, _ = digest.Write(raw)
	return nil
}

// digestText hashes a text as a JSON string.
func digestText(digest hash.Hash, text string) error {
	_, _ = digest.Write([]byte(`"`))
	buffer := make([]byte, 0, min(len(text), digestChunk)+2)
	for len(text) > 0 {
		end := min(len(text), digestChunk)
		for range utf8.UTFMax { // does not cut a character
			if end == len(text) || utf8.RuneStart(text[end]) {
				break
			}
			end--
		}
		quoted, err := jsontext.AppendQuote(buffer[:0], text[:end])
		if err != nil {
			return err
		}
		_, _ = digest.Write(quoted[1 : len(quoted)-1])
		text = text[end:]
	}
	_, _ = digest.Write([]byte(`"`))
	return nil
}
