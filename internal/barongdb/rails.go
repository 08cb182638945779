package barongdb

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha1" //nolint:gosec // Rails 5 derives keys and signs with it
	"encoding/base64"
	"encoding/hex"
	"strings"
	"sync"
)

// railsKeys decrypts what Barong 2.6 writes without Vault: <salt>.<message>, where the message is that of
// ActiveSupport::MessageEncryptor of Rails 5, and its key is derived from SECRET_KEY_BASE and the salt, which
// is the year and the week.
type railsKeys struct {
	base  string
	mutex sync.Mutex
	keys  map[string][]byte // by salt
}

func newRailsKeys(base string) *railsKeys { return &railsKeys{base: base, keys: map[string][]byte{}} }

// What ActiveSupport::KeyGenerator uses, and how many salts a database can have: it is one a week.
const (
	railsIterations = 1 << 16
	railsKeySize    = 32
	maxSalts        = 10_000
)

// decrypt returns nil for what is not such a message, or has another key.
func (r *railsKeys) decrypt(text string) *string {
	salt, message, ok := strings.Cut(text, ".")
	if !ok || len(salt) != len("202001") || strings.Trim(salt, "0123456789") != "" {
		return nil
	}
	key := r.key(salt)
	if key == nil {
		return nil
	}
	var marshalled []byte
	if parts := strings.Split(message, "--"); len(parts) == 3 {
		marshalled = openAuthenticated(key, parts)
	} else if len(parts) == 2 {
		marshalled = openSigned(key, parts)
	}
	return unmarshalRuby(marshalled)
}

func (r *railsKeys) key(salt string) []byte {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if key, ok := r.keys[salt]; ok || len(r.keys) >= maxSalts {
		return key
	}
	key, err := pbkdf2.Key(sha1.New, r.base, []byte(salt), railsIterations, railsKeySize)
	if err != nil {
		return nil
	}
	r.keys[salt] = key
	return key
}

// openAuthenticated decrypts AES-256-GCM: ciphertext, nonce and tag in base64.
func openAuthenticated(key []byte, parts []string) []byte {
	ciphertext, nonce, tag := fromBase64(parts[0]), fromBase64(parts[1]), fromBase64(parts[2])
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil
	}
	aead, err := cipher.NewGCM(block)
	if err != nil || len(nonce) != aead.NonceSize() || len(tag) != aead.Overhead() {
		return nil
	}
	plaintext, err := aead.Open(nil, nonce, append(ciphertext, tag...), nil)
	if err != nil {
		return nil
	}
	return plaintext
}

// openSigned decrypts AES-256-CBC: base64 of ciphertext and initialisation vector in base64, and its
// signature, HMAC-SHA-1 of the same key in hexadecimal.
func openSigned(key []byte, parts []string) []byte {
	signature, err := hex.DecodeString(parts[1])
	if err != nil {
		return nil
	}
	mac := hmac.New(sha1.New, key)
	mac.Write([]byte(parts[0]))
	if !hmac.Equal(mac.Sum(nil), signature) {
		return nil
	}
	encoded, encodedIV, ok := strings.Cut(string(fromBase64(parts[0])), "--")
	ciphertext, iv := fromBase64(encoded), fromBase64(encodedIV)
	if !ok || len(iv) != aes.BlockSize || len(ciphertext) == 0 || len(ciphertext)%aes.BlockSize != 0 {
		return nil
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil
	}
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(ciphertext, ciphertext)
	padding := int(ciphertext[len(ciphertext)-1])
	if padding == 0 || padding > aes.BlockSize {
		return nil
	}
	return ciphertext[:len(ciphertext)-padding]
}

func fromBase64(text string) []byte {
	decoded, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil
	}
	return decoded
}

// unmarshalRuby returns the string that Ruby's Marshal has written (format 4.8), nil for anything else.
func unmarshalRuby(marshalled []byte) *string {
	rest, ok := bytes.CutPrefix(marshalled, []byte("\x04\x08"))
	if !ok {
		return nil
	}
	rest = bytes.TrimPrefix(rest, []byte("I")) // with its encoding behind it
	rest, ok = bytes.CutPrefix(rest, []byte(`"`))
	if !ok {
		return nil
	}
	size, rest := rubyInteger(rest)
	if size < 0 || size > len(rest) {
		return nil
	}
	text := string(rest[:size])
	return &text
}

// rubyInteger reads an integer that is not negative: 0, 1 to 122 as one byte that is five more, or a number
// of bytes and these, the least significant first. It returns -1 for any other.
func rubyInteger(text []byte) (number int, rest []byte) {
	switch {
	case len(text) == 0:
		return -1, nil
	case text[0] == 0:
		return 0, text[1:]
	case text[0] <= 4:
		size := int(text[0])
		if len(text) < 1+size {
			return -1, nil
		}
		for i := size; i > 0; i-- {
			number = number<<8 | int(text[i])
		}
		return number, text[1+size:]
	case text[0] < 128:
		return int(text[0]) - 5, text[1:]
	default:
		return -1, nil
	}
}
