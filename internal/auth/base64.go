package auth

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strings"
)

// The encodings that refuse bits left over: one value has one text.
var (
	rawBase64URL    = base64.RawURLEncoding.Strict()
	paddedBase64URL = base64.URLEncoding.Strict()
)

var errNotBase64URL = errors.New("is not base64url")

// decodeBase64URL decodes the encoding of RFC 7515 §2, with or without padding.
// Line breaks, which the standard library would let pass, are refused too.
func decodeBase64URL(text []byte) ([]byte, error) {
	encoding := rawBase64URL
	if bytes.HasSuffix(text, []byte("=")) {
		encoding = paddedBase64URL
	}
	decoded := make([]byte, encoding.DecodedLen(len(text)))
	n, err := encoding.Decode(decoded, text)
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
