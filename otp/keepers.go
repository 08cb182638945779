package otp

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"gocloud.dev/secrets"
	"gocloud.dev/secrets/localsecrets"
)

// OpenKeeper opens the key that a URL names. base64key:// and 32 bytes in
// url-safe base64 is a key of its own (NaCl secretbox); binaries that are built
// with the tag cloud know hashivault://, awskms:// and gcpkms:// too. No key is
// needed yet, and none asked for.
func OpenKeeper(ctx context.Context, url string) (*secrets.Keeper, error) {
	scheme, rest, _ := strings.Cut(url, "://")
	if scheme == localsecrets.Scheme && rest == "" {
		return nil, errors.New("base64key:// must be followed by 32 bytes in base64") // the library would make a key, and forget it
	}
	keeper, err := secrets.OpenKeeper(ctx, url)
	if err != nil {
		return nil, fmt.Errorf("no key can be had from the URL that begins with %.20q; base64key:// is followed by 32 bytes in base64, other keys need a binary that is built with the tag cloud: %w", scheme, redacted(err, rest))
	}
	return keeper, nil
}

// redacted is err without what may be the key itself.
func redacted(err error, key string) error {
	if key == "" {
		return err
	}
	return errors.New(strings.ReplaceAll(err.Error(), key, "…"))
}

// NewKeeperURL makes a key of its own.
func NewKeeperURL() string {
	key := make([]byte, 32)
	rand.Read(key)
	return "base64key://" + base64.URLEncoding.EncodeToString(key)
}
