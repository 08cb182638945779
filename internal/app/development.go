package app

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"barong/clients/go/signing"
	"barong/generated"
	"barong/internal/auth"
	"barong/internal/spec"
)

// Development is the development signer: an RSA key, and a keychain file that permits it every
// operation. A server without a configured keychain creates it, and other commands use it by
// default.
type Development struct{ Dir string }

// DevelopmentSigner is the name of the development signer.
const DevelopmentSigner = "development"

// DevelopmentOf returns the development signer of a data directory. Its files need not exist.
func DevelopmentOf(dataDir string) Development {
	return Development{Dir: filepath.Join(dataDir, "development")}
}

// KeyFile returns the path of the private key (PEM).
func (d Development) KeyFile() string { return filepath.Join(d.Dir, "development.pem") }

// KeychainFile returns the path of the keychain with the public key.
func (d Development) KeychainFile() string { return filepath.Join(d.Dir, "management_api.yml") }

// openDevelopment returns the development signer, and creates its files if they are missing.
func openDevelopment(dataDir string) (Development, error) {
	d := DevelopmentOf(dataDir)
	document, err := generated.GetSpec()
	if err != nil {
		return d, err
	}
	if _, err := os.Stat(d.KeychainFile()); err == nil {
		return d, d.addScopes(document)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return d, err
	}
	if err := os.MkdirAll(d.Dir, 0o700); err != nil {
		return d, fmt.Errorf("BARONG_DATA_DIR: %w", err)
	}
	private, value, err := signing.GenerateKey("RS256")
	if err != nil {
		return d, err
	}
	file := developmentKeychain(value, document)
	// The keychain is written last, so that its existence implies that of the key.
	if err := os.WriteFile(d.KeyFile(), private, 0o600); err != nil {
		return d, err
	}
	return d, os.WriteFile(d.KeychainFile(), []byte(file), 0o600)
}

const developmentHead = "Made by barong serve for development: do not use it on a network."

func developmentKeychain(value string, document *openapi3.T) string {
	return KeychainFile(developmentHead, []KeyPair{{Name: DevelopmentSigner, Algorithm: "RS256", Value: value}}, document)
}

// addScopes writes the keychain again, for the same key, if it lacks a scope: an earlier version
// created it, and the development signer may call every operation. A file that somebody has written
// in place of the created one stays.
func (d Development) addScopes(document *openapi3.T) error {
	content, err := os.ReadFile(d.KeychainFile())
	if err != nil {
		return err
	}
	keychain, err := auth.ParseKeychain(content, os.Getenv)
	if err != nil || !strings.HasPrefix(string(content), "# "+developmentHead+"\n") {
		return nil //nolint:nilerr // loading the file reports the error
	}
	missing := spec.OperationsByScope(document)
	for _, scope := range keychain.Scopes() {
		delete(missing, scope.Name)
	}
	if len(missing) == 0 {
		return nil
	}
	signer, err := d.Signer()
	if err != nil {
		return err
	}
	public, err := x509.MarshalPKIXPublicKey(signer.PublicKey())
	if err != nil {
		return err
	}
	value := base64.URLEncoding.EncodeToString(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}))
	temporary := d.KeychainFile() + ".tmp"
	if err := os.WriteFile(temporary, []byte(developmentKeychain(value, document)), 0o600); err != nil {
		return err
	}
	return os.Rename(temporary, d.KeychainFile())
}

// Signer loads the private key.
func (d Development) Signer() (*signing.Signer, error) {
	key, err := os.ReadFile(d.KeyFile())
	if err != nil {
		return nil, fmt.Errorf("no --signer is given, and there is no development signer, which barong serve makes: %w", err)
	}
	return signing.NewSigner(DevelopmentSigner, "RS256", key)
}

// docsTokenGood is the lifetime of a token of the documentation page. The page renews it
// before it expires.
const docsTokenGood = 5 * time.Minute

// docsToken issues a token with which the documentation page calls operations.
func (d Development) docsToken() (token string, good time.Duration, err error) {
	signer, err := d.Signer()
	if err != nil {
		return "", 0, err
	}
	token, err = signing.Token(signing.NewClaims(time.Now(), docsTokenGood), signer)
	return token, docsTokenGood, err
}
