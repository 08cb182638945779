// Package keys opens the keys that URLs name, and removes the contents of such a URL from errors:
// the URL may be the key itself.
package keys

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"gocloud.dev/secrets"
	"gocloud.dev/secrets/localsecrets"
)

// Size is the size, in bytes, of a key that is not stored in a service.
const Size = 32

var errLocal = fmt.Errorf("%s:// must be followed by %d bytes in url-safe base64", localsecrets.Scheme, Size)

// fileScheme is the URL scheme of a key in a file.
const fileScheme = "file"

// Open opens the key that a URL names:
//
//   - base64key:// with 32 bytes in URL-safe base64 is the key itself (NaCl secretbox);
//   - file:///path is a file that contains 32 bytes in standard base64, for the same algorithm;
//   - hashivault://, awskms://, gcpkms:// and azurekeyvault:// are keys of a service. Only the
//     binary of cloud/ has their drivers.
//
// Open does not contact a service, so errors of the service appear at the first use of the key.
// Errors contain no part of the URL except a scheme that this binary knows.
func Open(ctx context.Context, keyURL string) (*secrets.Keeper, error) {
	scheme, rest, found := strings.Cut(keyURL, "://")
	switch {
	case found && scheme == fileScheme:
		return openFile(keyURL, rest)
	case !found || !secrets.DefaultURLMux().ValidKeeperScheme(scheme):
		return nil, fmt.Errorf("it must be the URL of a key: %w, or file:///path; other keys need the binary of a release or of make build-cloud", errLocal)
	case scheme == localsecrets.Scheme && rest == "":
		return nil, errLocal // the library would generate a key and lose it
	}
	keeper, err := secrets.OpenKeeper(ctx, keyURL)
	switch {
	case err == nil:
		return keeper, nil
	case scheme == localsecrets.Scheme:
		return nil, errLocal
	default:
		return nil, fmt.Errorf("the key of %s:// cannot be opened: %w", scheme, Redact(err, keyURL))
	}
}

func openFile(keyURL, path string) (*secrets.Keeper, error) {
	content, err := os.ReadFile(filepath.FromSlash(path))
	if err != nil {
		return nil, fmt.Errorf("the file of the key cannot be read: %w", Redact(err, keyURL))
	}
	key, err := base64.StdEncoding.DecodeString(string(bytes.TrimSpace(content)))
	if err != nil || len(key) != Size {
		return nil, fmt.Errorf("the file of the key must hold %d bytes in base64", Size)
	}
	return localsecrets.NewKeeper([Size]byte(key)), nil
}

// NewURL makes a new key and returns its URL.
func NewURL() string {
	key := make([]byte, Size)
	rand.Read(key)
	return localsecrets.Scheme + "://" + base64.URLEncoding.EncodeToString(key)
}

// shortest is the minimum length, in bytes, of a part that Redact replaces: a shorter part is not a
// secret, and may be part of any word.
const shortest = 4

// Redact returns the text of err without the URL and without its parts after the scheme, both as
// written in the URL and unescaped.
func Redact(err error, text string) error {
	_, rest, _ := strings.Cut(text, "://")
	parts := []string{text, rest}
	parts = append(parts, strings.FieldsFunc(rest, func(c rune) bool { return strings.ContainsRune("/?#&=@:", c) })...)
	message := err.Error()
	for _, part := range parts {
		unescaped, failure := url.QueryUnescape(part)
		if failure != nil {
			unescaped = part
		}
		for _, each := range []string{part, unescaped} {
			if len(each) >= shortest {
				message = strings.ReplaceAll(message, each, "…")
			}
		}
	}
	return errors.New(message)
}
