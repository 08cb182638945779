package app

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"os"
	"time"

	"barong/internal/config"
	"barong/internal/keys"
	"barong/internal/otp"
)

// ErrNoStorageYet means that the directory for documents does not exist, and that barong serve
// creates it.
var ErrNoStorageYet = errors.New("barong serve makes the directory")

// CheckStorage asks the document store for a list, and changes nothing. It returns the store's
// place without its options, which may contain a secret. The error has no secret either.
func CheckStorage(ctx context.Context, c config.Config) (where string, err error) {
	where, directory, created := storagePlace(c)
	if directory != "" {
		if _, err := os.Stat(directory); errors.Is(err, os.ErrNotExist) && created {
			return where, ErrNoStorageYet
		}
	}
	store, err := openExistingStorage(ctx, c)
	if err != nil {
		return where, err
	}
	if err = errors.Join(store.Reachable(ctx), store.Close()); err != nil {
		err = keys.Redact(err, c.StorageURL)
	}
	return where, err
}

// storagePlace returns the place of the document store; directory is empty where it is none of this
// machine's. created reports whether the server creates it.
func storagePlace(c config.Config) (where, directory string, created bool) {
	if c.StorageURL == "" {
		return documentsDir(c), documentsDir(c), true
	}
	place, err := url.Parse(c.StorageURL)
	if err != nil {
		return "", "", false // opening it reports the reason
	}
	where = (&url.URL{Scheme: place.Scheme, Host: place.Host, Path: place.Path}).String()
	if place.Scheme == "file" {
		return where, place.Path, place.Query().Get("create_dir") == "true"
	}
	return where, "", false
}

// checkUID is a uid that no user has.
const checkUID = "barong-check"

// CheckVault asks Vault, with the configured token, to check a code for a key that does not exist:
// the only request for which the token of a server needs a right.
func CheckVault(ctx context.Context, c config.Config) error {
	vault := &otp.Vault{
		Address: c.VaultAddress, Token: func() (string, error) { return VaultToken(c) }, Prefix: c.VaultPrefix, Clock: time.Now, Client: http.DefaultClient,
	}
	_, err := vault.Check(ctx, checkUID, "000000")
	if errors.Is(err, otp.ErrInvalidCode) {
		return nil // there is no such key, and Vault says so
	}
	if cause := errors.Unwrap(err); cause != nil {
		return cause
	}
	return err
}
