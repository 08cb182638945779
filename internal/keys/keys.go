// Package keys opens the keys that URLs name, and keeps what such a URL holds out
// of errors: the URL may be the key itself.
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

// Size is how many bytes a key of its own has.
const Size = 32

var errLocal = fmt.Errorf("%s:// must be followed by %d bytes in url-safe base64", localsecrets.Scheme, Size)

// fileScheme is that of a key in a file.
const fileScheme = "file"

// Open opens the key that a URL names:
//
//   - base64key:// and 32 bytes in url-safe base64 is the key itself (NaCl secretbox);
//   - file:///path is a file that holds 32 bytes in standard base64, for the same;
//   - hashivault://, awskms://, gcpkms:// and azurekeyvault:// are keys of a service,
//     in binaries that are built with the tag cloud.
//
// A key of a service is not used before it is needed, so that no error of it shows
// here. Errors hold no part of the URL but the name of a kind of key that this
// binary knows.
func Open(ctx context.Context, keyURL string) (*secrets.Keeper, error) {
	scheme, rest, found := strings.Cut(keyURL, "://")
	switch {
	case found && scheme == fileScheme:
		return openFile(keyURL, rest)
	case !found || !secrets.DefaultURLMux().ValidKeeperScheme(scheme):
		return nil, fmt.Errorf("it must be the URL of a key: %w, or file:///path; other keys need a binary that is built with the tag cloud", errLocal)
	case scheme == localsecrets.Scheme && rest == "":
		return nil, errLocal // the library would make a key, and forget it
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

// NewURL makes a key of its own.
func NewURL() string {
	key := make([]byte, Size)
	rand.Read(key)
	return localsecrets.Scheme + "://" + base64.URLEncoding.EncodeToString(key)
}

// shortest is the length, in bytes, from which a part of a URL is replaced: a
// shorter one is no secret, and may be a part of any word.
const shortest = 4

// Redact is the text of err without the URL and without any of its parts behind
// the scheme, in the form in which they stand in the URL and unescaped.
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
