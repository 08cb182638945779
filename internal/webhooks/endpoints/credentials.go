package endpoints

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// The prefixes of secrets and keys (Standard Webhooks 1.0).
const (
	SecretPrefix    = "whsec_"
	KeyPrefix       = "whsk_"
	PublicKeyPrefix = "whpk_"
)

// Sizes of a decoded secret, in bytes (Standard Webhooks 1.0).
const (
	minSecret = 24
	maxSecret = 64
)

// credentialReader reads secrets and keys, and collects what is wrong with them.
type credentialReader struct {
	readFile func(path string) ([]byte, error)
	wrong    []error
}

func (r *credentialReader) note(format string, values ...any) {
	r.wrong = append(r.wrong, fmt.Errorf(format, values...))
}

// text returns a value that stands in the file or in one that it names; "" where there is none.
func (r *credentialReader) text(name, value, path string) string {
	if path == "" {
		return value
	}
	if value != "" {
		r.note("%s and %s_file exclude each other", name, name)
		return ""
	}
	content, err := r.readFile(path)
	if err != nil {
		r.note("%s_file cannot be read: %w", name, err)
		return ""
	}
	found := strings.TrimSpace(string(content))
	if found == "" {
		r.note("%s_file is empty", name)
	}
	return found
}

func (r *credentialReader) secret(name, value, path string) []byte {
	text := r.text(name, value, path)
	if text == "" {
		return nil
	}
	secret, err := decode(text, SecretPrefix)
	if err != nil || len(secret) < minSecret || len(secret) > maxSecret {
		r.note("%s must be %s and %d to %d bytes in base64", name, SecretPrefix, minSecret, maxSecret)
		return nil
	}
	return secret
}

func (r *credentialReader) key(name, value, path string) ed25519.PrivateKey {
	text := r.text(name, value, path)
	if text == "" {
		return nil
	}
	key, err := decode(text, KeyPrefix)
	switch {
	case err == nil && len(key) == ed25519.SeedSize:
		return ed25519.NewKeyFromSeed(key)
	case err == nil && len(key) == ed25519.PrivateKeySize && ed25519.NewKeyFromSeed(key[:ed25519.SeedSize]).Equal(ed25519.PrivateKey(key)):
		return key
	}
	r.note("%s must be %s and an Ed25519 key in base64: the seed of 32 bytes, or seed and public key", name, KeyPrefix)
	return nil
}

var errNoPrefix = errors.New("the prefix is missing")

func decode(text, prefix string) ([]byte, error) {
	encoded, ok := strings.CutPrefix(text, prefix)
	if !ok {
		return nil, errNoPrefix
	}
	return base64.StdEncoding.DecodeString(encoded)
}

// PublicKey returns the form of a public key that receivers verify v1a signatures with.
func PublicKey(key ed25519.PrivateKey) string {
	return PublicKeyPrefix + base64.StdEncoding.EncodeToString(key.Public().(ed25519.PublicKey))
}
