package signing

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"github.com/golang-jwt/jwt/v5"
)

// VerificationKey verifies the signatures of one signer, with its public key or, for an HMAC
// algorithm, with the shared secret. It is safe for concurrent use.
type VerificationKey struct {
	method     jwt.SigningMethod
	value      any
	thumbprint string // "" for a shared secret
}

// ParseVerificationKey parses algorithm and value of an entry of a keychain file. The value is
// URL-safe base64 of a PEM public key (PKIX or PKCS #1) or, for an HMAC algorithm, the secret.
// An error begins with the name of the invalid member, algorithm or value, and never contains
// the value.
func ParseVerificationKey(algorithm, value string) (*VerificationKey, error) {
	method, err := methodOf(algorithm)
	if err != nil {
		return nil, fmt.Errorf("algorithm: %w%s", err, advice(value))
	}
	if isSymmetric(method) {
		secret, err := parseSecret(value)
		if err != nil {
			return nil, fmt.Errorf("value %w", err)
		}
		return &VerificationKey{method: method, value: secret}, nil
	}
	if value == "" {
		return nil, errors.New("value is missing: it must be url-safe base64 of a PEM public key")
	}
	public, err := parsePublicKey(value)
	if err != nil {
		return nil, fmt.Errorf("value %w", err)
	}
	if err := checkKey(method, public); err != nil {
		return nil, fmt.Errorf("value does not fit: %w", err)
	}
	return &VerificationKey{method, public, Thumbprint(public)}, nil
}

// Algorithm returns the only algorithm that the key verifies.
func (k *VerificationKey) Algorithm() string { return k.method.Alg() }

// Verify returns an error unless signature is a valid signature over input (RFC 7515 §5.2:
// protected header, dot and payload, both in base64url) for this key.
func (k *VerificationKey) Verify(input string, signature []byte) error {
	return k.method.Verify(input, signature, k.value)
}

const pemBegin = "-----BEGIN "

// parsePublicKey parses a keychain value: base64 of a PEM public key in PKIX (PUBLIC KEY) or
// PKCS #1 form (RSA PUBLIC KEY). Its errors continue a sentence that begins with the name of
// the value, and never contain the value.
func parsePublicKey(value string) (any, error) {
	text := value
	isPlain := strings.Contains(value, pemBegin)
	if !isPlain {
		decoded, err := decodeAnyBase64(value)
		if err != nil {
			return nil, errors.New("is not url-safe base64 of a PEM public key")
		}
		text = string(decoded)
	}
	if strings.Contains(text, "PRIVATE KEY-----") {
		return nil, errors.New("is a private key: the keychain holds public keys, and a private key stays with its owner")
	}
	if isPlain {
		return nil, errors.New("is plain PEM: it must be url-safe base64 of that (base64 -w0 key.pem | tr '+/' '-_')")
	}
	block, rest := pem.Decode([]byte(text))
	switch {
	case block == nil:
		return nil, errors.New("is base64, but not of a PEM public key")
	case strings.TrimSpace(string(rest)) != "":
		return nil, errors.New("has something after the PEM public key")
	}
	var public any
	var err error
	switch block.Type {
	case "PUBLIC KEY":
		public, err = x509.ParsePKIXPublicKey(block.Bytes)
	case "RSA PUBLIC KEY":
		public, err = x509.ParsePKCS1PublicKey(block.Bytes)
	default:
		return nil, fmt.Errorf("is a PEM %s, and must be a PEM public key", block.Type)
	}
	if err != nil {
		return nil, fmt.Errorf("is no public key that can be read: %w", err)
	}
	return public, nil
}

// parseSecret parses the keychain value of an HMAC algorithm: the secret itself, of 32 bytes
// or more. A PEM key is rejected, because everyone who has a public key could sign with it.
func parseSecret(value string) ([]byte, error) {
	decoded, err := decodeAnyBase64(value)
	switch {
	case value == "":
		return nil, errors.New("is empty, and must be the secret")
	case strings.Contains(value, pemBegin), err == nil && strings.Contains(string(decoded), pemBegin):
		return nil, fmt.Errorf("is a PEM key%s: an HS algorithm takes a secret of its own, and never a key of another algorithm", advice(value))
	case len(value) < secretBytes:
		return nil, fmt.Errorf("is a secret of %d bytes, and must have %d at least, made at random: barong keygen NAME --algorithm HS256 makes one", len(value), secretBytes)
	}
	return []byte(value), nil
}

// advice returns a phrase that names the algorithm of a public key, or "" if the value is not a
// public key.
func advice(value string) string {
	public, err := parsePublicKey(value)
	if err != nil {
		return ""
	}
	method, err := defaultAlgorithm(public)
	if err != nil {
		return ""
	}
	return ", for which the algorithm is " + method.Alg()
}

// decodeAnyBase64 decodes base64 as people paste it into configuration files: in either
// alphabet, with or without padding, with white space anywhere.
func decodeAnyBase64(text string) ([]byte, error) {
	text = strings.Join(strings.Fields(text), "")
	text = strings.TrimRight(strings.NewReplacer("+", "-", "/", "_").Replace(text), "=")
	return base64.RawURLEncoding.DecodeString(text)
}
