package jws

import (
	"bytes"
	"encoding/base64"
	"errors"
)

// Encodings that reject non-zero trailing bits, so that each value has exactly one text.
var (
	rawBase64URL    = base64.RawURLEncoding.Strict()
	paddedBase64URL = base64.URLEncoding.Strict()
)

var errNotBase64URL = errors.New("is not base64url")

// DecodeBase64URL decodes base64url (RFC 7515 §2) with or without padding. It rejects line
// breaks, which the standard library skips.
func DecodeBase64URL(text []byte) ([]byte, error) {
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
