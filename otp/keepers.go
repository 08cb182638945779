package otp

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"strings"

	"gocloud.dev/secrets"
	_ "gocloud.dev/secrets/localsecrets" // base64key://
)

// OpenKeeper opens the key that a URL names. base64key:// and 32 bytes in
// url-safe base64 is a key of its own (NaCl secretbox); binaries that are built
// with the tag cloud know hashivault://, awskms:// and gcpkms:// too. No key is
// needed yet, and none asked for.
func OpenKeeper(ctx context.Context, url string) (*secrets.Keeper, error) {
	keeper, err := secrets.OpenKeeper(ctx, url)
	if err != nil {
		scheme, _, _ := strings.Cut(url, "://")
		return nil, fmt.Errorf("no key can be had from the URL that begins with %.20q; base64key:// is followed by 32 bytes in base64, other keys need a binary that is built with the tag cloud: %w", scheme, redacted(err, url))
	}
	return keeper, nil
}

// redacted is err without the URL, which may be the key itself.
func redacted(err error, url string) error {
	text := err.Error()
	_, rest, _ := strings.Cut(url, "://")
	if rest != "" {
		text = strings.ReplaceAll(text, rest, "…")
	}
	return fmt.Errorf("%s", text)
}

// NewKeeperURL makes a key of its own.
func NewKeeperURL() string {
	key := make([]byte, 32)
	rand.Read(key)
	return "base64key://" + base64.URLEncoding.EncodeToString(key)
}
