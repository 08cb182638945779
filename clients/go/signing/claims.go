package signing

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
	"unicode/utf8"
)

// Claims are the claims of RFC 7519 §4.1 that a signer sets, and the operation that they are
// for. Zero values are omitted. Times are sent in whole seconds.
type Claims struct {
	ExpiresAt time.Time
	NotBefore time.Time
	IssuedAt  time.Time
	JTI       string
	Issuer    string
	Audience  []string
	Subject   string
	Operation string // the operationId of the only operation that the signature permits; empty: any operation
}

// NewClaims returns the claims of a request made at now that is valid for that long, with a
// random jti.
func NewClaims(now time.Time, valid time.Duration) Claims {
	return Claims{IssuedAt: now, ExpiresAt: now.Add(valid), JTI: rand.Text()}
}

// Payload returns the payload of a JWS in base64url: the claims as JSON, with the member data
// unless it is nil. data must be one JSON object without duplicate members at any depth,
// because parsers disagree about which of two members counts.
func (c Claims) Payload(data []byte) (string, error) {
	if data != nil {
		if err := checkObject(data); err != nil {
			return "", fmt.Errorf("the data to sign %w", err)
		}
	}
	seconds := func(t time.Time) *int64 {
		if t.IsZero() {
			return nil
		}
		unix := t.Unix()
		return &unix
	}
	text, err := encode(struct {
		Data      json.RawMessage `json:"data,omitempty"`
		Issuer    string          `json:"iss,omitempty"`
		Subject   string          `json:"sub,omitempty"`
		Audience  []string        `json:"aud,omitempty"`
		IssuedAt  *int64          `json:"iat,omitempty"`
		NotBefore *int64          `json:"nbf,omitempty"`
		ExpiresAt *int64          `json:"exp,omitempty"`
		JTI       string          `json:"jti,omitempty"`
		Operation string          `json:"op,omitempty"`
	}{data, c.Issuer, c.Subject, c.Audience, seconds(c.IssuedAt), seconds(c.NotBefore), seconds(c.ExpiresAt), c.JTI, c.Operation})
	if err != nil {
		return "", fmt.Errorf("the data cannot be signed: %w", err)
	}
	return encodeBase64URL(text), nil
}

// encode returns value as JSON without unnecessary escapes.
func encode(value any) ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(value)
	return bytes.TrimSuffix(text.Bytes(), []byte("\n")), err
}

func encodeBase64URL(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }

var (
	errNotObject = errors.New("must be a JSON object")
	errDuplicate = errors.New("has a member twice")
	errNotUTF8   = errors.New("is not UTF-8")
)

// checkObject returns an error unless data is one JSON object without duplicate members at any
// depth.
func checkObject(data []byte) error {
	switch {
	case !utf8.Valid(data):
		return errNotUTF8
	case !json.Valid(data): // json.Valid also limits the depth
		return errNotObject
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	if token, err := decoder.Token(); err != nil || token != json.Delim('{') {
		return errNotObject
	}
	if err := checkMembers(decoder, true); err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errNotObject
	}
	return nil
}

// checkMembers reads to the end of an object or array whose opening bracket has been read.
func checkMembers(decoder *json.Decoder, isObject bool) error {
	names := map[string]bool{}
	for decoder.More() {
		if isObject {
			token, err := decoder.Token()
			if err != nil {
				return err
			}
			name, _ := token.(string)
			if names[name] {
				return errDuplicate
			}
			names[name] = true
		}
		value, err := decoder.Token()
		if err != nil {
			return err
		}
		if bracket, nested := value.(json.Delim); nested {
			if err := checkMembers(decoder, bracket == '{'); err != nil {
				return err
			}
		}
	}
	_, err := decoder.Token()
	return err
}
