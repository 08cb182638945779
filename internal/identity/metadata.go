package identity

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

const (
	// maxProfileMetadata limits the metadata of a profile that an operation adds, in bytes, to the
	// size of Barong's column. Metadata of an import may have maxMetadata.
	maxProfileMetadata = 1<<16 - 1
	// maxMetadataDepth limits how deep values are nested. Postgres rejects some thousand levels.
	maxMetadataDepth = 500
)

// isMetadata reports whether a text is a JSON object that Postgres can store as jsonb: with at most
// maxMetadata bytes, numbers within the range of float64, and strings without NUL and without half
// of a surrogate pair.
func isMetadata(text []byte) bool {
	if len(text) > maxMetadata {
		return false
	}
	decoder := jsontext.NewDecoder(bytes.NewReader(text), jsontext.AllowDuplicateNames(true))
	if decoder.PeekKind() != '{' {
		return false
	}
	for {
		token, err := decoder.ReadToken()
		if errors.Is(err, io.EOF) {
			return true
		}
		if err != nil || decoder.StackDepth() > maxMetadataDepth {
			return false
		}
		if !isStorable(token) || decoder.StackDepth() == 0 && !onlySpace(text[decoder.InputOffset():]) {
			return false // a second value
		}
	}
}

func isStorable(token jsontext.Token) bool {
	switch token.Kind() {
	case '"':
		return !strings.ContainsRune(token.String(), 0)
	case '0':
		_, err := strconv.ParseFloat(token.String(), 64)
		return err == nil
	default:
		return true
	}
}

func onlySpace(text []byte) bool { return len(bytes.Trim(text, " \t\r\n")) == 0 }
