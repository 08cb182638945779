package documents

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"mime"
	"net/url"
	"strconv"
	"time"

	"barong/internal/identity"
)

// Path is the path prefix of signed URLs; the name follows.
const Path = "/documents/"

// CacheControl keeps content out of shared caches and of caches that outlive the URL.
const CacheControl = "private, no-store"

// ContentDisposition makes a browser save a file instead of showing it, under a sanitized form
// of the name that its sender gave it.
func ContentDisposition(f identity.File) string {
	return mime.FormatMediaType("attachment", map[string]string{"filename": f.DownloadName()})
}

// signer signs and verifies URLs of this server, with an HMAC-SHA256 over the name and the time of
// expiry.
type signer struct {
	base  string
	key   []byte
	ttl   time.Duration
	clock func() time.Time
}

func (s signer) url(object string) string {
	expires := strconv.FormatInt(s.clock().Add(s.ttl).Unix(), 10)
	query := url.Values{"expires": {expires}, "signature": {base64.RawURLEncoding.EncodeToString(s.sign(object, expires))}}
	return s.base + Path + object + "?" + query.Encode()
}

func (s signer) sign(object, expires string) []byte {
	mac := hmac.New(sha256.New, s.key)
	mac.Write([]byte("GET\n" + object + "\n" + expires)) // neither value contains a line break when this server has signed it
	return mac.Sum(nil)
}

func (s signer) verify(object, expires, signature string) error {
	given, err := base64.RawURLEncoding.Strict().DecodeString(signature)
	if err != nil || !hmac.Equal(given, s.sign(object, expires)) {
		return identity.ErrNoDocument.WithCause(errors.New("the signature is not good"))
	}
	at, err := strconv.ParseInt(expires, 10, 64)
	if err != nil || !s.clock().Before(time.Unix(at, 0)) {
		return identity.ErrNoDocument.WithCause(errors.New("the URL has expired"))
	}
	return nil
}

// signingKeySize is the minimum size, in bytes, of the key that signs URLs.
const signingKeySize = 32

// NewSigningKey makes a key that signs URLs.
func NewSigningKey() ([]byte, error) {
	key := make([]byte, signingKeySize)
	rand.Read(key)
	return key, nil
}
