package auth

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strings"
)

var errNotBase64URL = errors.New("is not base64url")

// decodeBase64URL decodes the encoding of RFC 7515 §2, with or without padding.
// Line breaks and bits left over, which the standard library would let pass, are
// refused: one value has one text.
func decodeBase64URL(text []byte) ([]byte, error) {
	encoding := base64.RawURLEncoding
	if bytes.HasSuffix(text, []byte("=")) {
		encoding = base64.URLEncoding
	}
	decoded := make([]byte, encoding.DecodedLen(len(text)))
	n, err := encoding.Strict().Decode(decoded, text)
	if err != nil || bytes.IndexByte(text, '\n') >= 0 || bytes.IndexByte(text, '\r') >= 0 {
		return nil, errNotBase64URL
	}
	return decoded[:n], nil
}

// encodeBase64URL is the inverse, without padding.
func encodeBase64URL(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }

// decodeAnyBase64 takes what people paste into a configuration file: either
// alphabet, padding or none, white space anywhere.
func decodeAnyBase64(text string) ([]byte, error) {
	text = strings.Join(strings.Fields(text), "")
	text = strings.TrimRight(strings.NewReplacer("+", "-", "/", "_").Replace(text), "=")
	return base64.RawURLEncoding.DecodeString(text)
}
