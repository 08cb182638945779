package app

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"barong/clients/go/signing"
	"barong/generated"
)

// Development is the signer that a server without a keychain makes for itself,
// and that the other commands use where they are told no other: an RSA key and a
// keychain file in which it may do everything.
type Development struct{ Dir string }

// DevelopmentSigner is the name of that signer.
const DevelopmentSigner = "development"

// DevelopmentOf is the signer of a data directory, made or not.
func DevelopmentOf(dataDir string) Development {
	return Development{Dir: filepath.Join(dataDir, "development")}
}

// KeyFile is its private key in PEM.
func (d Development) KeyFile() string { return filepath.Join(d.Dir, "development.pem") }

// KeychainFile is the keychain that has its public key.
func (d Development) KeychainFile() string { return filepath.Join(d.Dir, "management_api.yml") }

// openDevelopment makes the signer's files where they are missing.
func openDevelopment(dataDir string) (Development, error) {
	d := DevelopmentOf(dataDir)
	if _, err := os.Stat(d.KeychainFile()); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return d, err
	}
	if err := os.MkdirAll(d.Dir, 0o700); err != nil {
		return d, fmt.Errorf("BARONG_DATA_DIR: %w", err)
	}
	private, value, err := signing.GenerateKey("RS256")
	if err != nil {
		return d, err
	}
	document, err := generated.GetSpec()
	if err != nil {
		return d, err
	}
	file := KeychainFile("Made by barong serve for development: do not use it on a network.",
		[]KeyPair{{Name: DevelopmentSigner, Algorithm: "RS256", Value: value}}, document)
	// The keychain last: where it is, the key is.
	if err := os.WriteFile(d.KeyFile(), private, 0o600); err != nil {
		return d, err
	}
	return d, os.WriteFile(d.KeychainFile(), []byte(file), 0o600)
}

// Signer reads its key.
func (d Development) Signer() (*signing.Signer, error) {
	key, err := os.ReadFile(d.KeyFile())
	if err != nil {
		return nil, fmt.Errorf("no --signer is given, and there is no development signer, which barong serve makes: %w", err)
	}
	return signing.NewSigner(DevelopmentSigner, "RS256", key)
}

// docsTokenGood is how long a token of the documentation is good. The page gets
// another before it ends.
const docsTokenGood = 5 * time.Minute

// docsToken makes the token that the documentation's page tries operations with.
func (d Development) docsToken() (token string, good time.Duration, err error) {
	signer, err := d.Signer()
	if err != nil {
		return "", 0, err
	}
	token, err = signing.Token(signing.NewClaims(time.Now(), docsTokenGood), signer)
	return token, docsTokenGood, err
}
