package identity

import (
	"strings"
	"testing"
)

func TestMetadataIsAnObjectThatPostgresCanStore(t *testing.T) {
	t.Parallel()
	deep := func(levels int) string {
		return `{"a":` + strings.Repeat("[", levels) + strings.Repeat("]", levels) + "}"
	}
	for text, want := range map[string]bool{
		`{}`:                            true,
		` {"a": [1, "ü", null]}` + "\n": true,
		`{"a": 1, "a": 2}`:              true,
		`{"a": "\ud83d\ude00"}`:         true,
		`{"a": "\\u0000"}`:              true,
		deep(maxMetadataDepth - 1):      true,
		deep(maxMetadataDepth):          false,
		`{"a": "\u0000"}`:               false,
		`{"\u0000": 1}`:                 false,
		`{"a": "\ud83d"}`:               false,
		`{"a": 1e400}`:                  false,
		`{"a": 1} {}`:                   false,
		`{"a": 1}}`:                     false,
		`[]`:                            false,
		`null`:                          false,
		`{"a"}`:                         false,
		``:                              false,
		`{"a":"` + strings.Repeat("x", maxMetadata) + `"}`: false,
	} {
		if got := isMetadata([]byte(text)); got != want {
			t.Errorf("%.40q: %t", text, got)
		}
	}
}
