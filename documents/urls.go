package documents

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"mime"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"barong/identity"
)

// Path is where this server answers signed URLs, followed by a name.
const Path = "/documents/"

// CacheControl keeps content out of every cache that others share or that outlives
// the URL.
const CacheControl = "private, no-store"

// ContentDisposition makes a browser save a document, never show it, under the
// name that its sender gave it as far as that is harmless.
func ContentDisposition(d identity.Document) string {
	return mime.FormatMediaType("attachment", map[string]string{"filename": d.DownloadName()})
}

// signer makes and checks URLs of this server: an HMAC-SHA256 over name and time
// of expiry.
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
	mac.Write([]byte("GET\n" + object + "\n" + expires)) // neither has a line break where the signature is ours
	return mac.Sum(nil)
}

func (s signer) verify(object, expires, signature string) error {
	given, err := base64.RawURLEncoding.Strict().DecodeString(signature)
	if err != nil || !hmac.Equal(given, s.sign(object, expires)) {
		return identity.ErrNoDocument.Because(errors.New("the signature is not good"))
	}
	at, err := strconv.ParseInt(expires, 10, 64)
	if err != nil || !s.clock().Before(time.Unix(at, 0)) {
		return identity.ErrNoDocument.Because(errors.New("the URL has expired"))
	}
	return nil
}

const signingKeySize = 32 // bytes

// SigningKey reads the key that signs URLs from a file, and makes it where it is
// missing.
func SigningKey(file string) ([]byte, error) {
	key, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		key = make([]byte, signingKeySize)
		rand.Read(key)
		err = writeNew(file, key)
		if errors.Is(err, fs.ErrExist) { // another server was faster
			key, err = os.ReadFile(file)
		}
	}
	if err == nil && len(key) < signingKeySize {
		err = fmt.Errorf("%s must hold at least %d bytes", file, signingKeySize)
	}
	return key, err
}

// writeNew makes a file that nobody else can read, whole or not at all.
func writeNew(file string, content []byte) error {
	temporary, err := os.CreateTemp(filepath.Dir(file), "signing-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(temporary.Name()) }()
	_, err = temporary.Write(content)
	if err = errors.Join(err, temporary.Sync(), temporary.Close()); err != nil {
		return err
	}
	return os.Link(temporary.Name(), file)
}
