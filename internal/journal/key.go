package journal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"time"
)

// KeyKind says where the value of a key is in a request.
type KeyKind string

// The kinds of keys.
const (
	KeyOfHeader KeyKind = "header" // Idempotency-Key
	KeyOfJTI    KeyKind = "jti"    // the claim jti of an envelope
)

// Key is an idempotency key: of all requests that spend it, one is executed.
type Key struct {
	ID          [sha256.Size]byte // of kind, signer and value: the value itself is not stored
	Fingerprint [sha256.Size]byte // HMAC under the value of the operation and its parameters
	Until       time.Time         // when the key may be forgotten
	Enforced    bool              // false: a repetition is counted, and executed

	// Answer is what a repetition needs, as Seal returned it. It is set before the write; nil: the write
	// itself decides.
	Answer []byte

	value string // encrypts answers; never stored
}

// NewKey returns a key of a signer for a request with an operation and the digest of its parameters.
func NewKey(kind KeyKind, kid, value, operation string, parameters [sha256.Size]byte) Key {
	key := Key{value: value}
	id := sha256.New()
	for _, part := range []string{string(kind), kid, value} {
		// Each part follows its length, so that no two lists of parts are the same text.
		_, _ = id.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
		_, _ = id.Write([]byte(part))
	}
	id.Sum(key.ID[:0])
	fingerprint := hmac.New(sha256.New, []byte(value))
	_, _ = fingerprint.Write([]byte(operation))
	_, _ = fingerprint.Write(parameters[:]) // of a fixed length, so that the operation ends where they begin
	fingerprint.Sum(key.Fingerprint[:0])
	return key
}

// Seal encrypts an answer under a key that is derived from the key's value. As the value is not stored,
// only who repeats the request can have the answer read.
func (k *Key) Seal(answer []byte) ([]byte, error) {
	aead, err := k.cipher()
	if err != nil {
		return nil, err
	}
	return aead.Seal(nil, nil, answer, k.ID[:]), nil //nolint:gosec // this AEAD draws the nonce itself
}

// Open decrypts what Seal returned for a key with the same value.
func (k *Key) Open(sealed []byte) ([]byte, error) {
	aead, err := k.cipher()
	if err != nil {
		return nil, err
	}
	return aead.Open(nil, nil, sealed, k.ID[:])
}

// cipher is AES-256-GCM with random nonces.
func (k *Key) cipher() (cipher.AEAD, error) {
	if k.value == "" {
		return nil, errors.New("the key has no value")
	}
	key, err := hkdf.Key(sha256.New, []byte(k.value), k.ID[:], "barong idempotency answer", 2*aes.BlockSize)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}
