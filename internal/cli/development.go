package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"barong/clients/go/signing"
	"barong/generated"
	"barong/handlers"
	"barong/internal/apidocs"
)

// development is the signer that a server without a keychain makes for itself,
// and that the other commands use where they are told no other: an RSA key and a
// keychain file in which it may do everything.
type development struct{ dir string }

// developmentSigner is the name of that signer.
const developmentSigner = "development"

func (d development) keyFile() string      { return filepath.Join(d.dir, "development.pem") }
func (d development) keychainFile() string { return filepath.Join(d.dir, "management_api.yml") }

func developmentDir(dataDir string) string { return filepath.Join(dataDir, "development") }

// openDevelopment makes the signer's files where they are missing.
func openDevelopment(dataDir string) (development, error) {
	d := development{dir: developmentDir(dataDir)}
	if _, err := os.Stat(d.keychainFile()); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return d, err
	}
	if err := os.MkdirAll(d.dir, 0o700); err != nil {
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
	file := keychainFile("Made by barong serve for development: do not use it on a network.",
		[]keyPair{{name: developmentSigner, algorithm: "RS256", value: value}}, document)
	// The keychain last: where it is, the key is.
	if err := os.WriteFile(d.keyFile(), private, 0o600); err != nil {
		return d, err
	}
	return d, os.WriteFile(d.keychainFile(), []byte(file), 0o600)
}

func (d development) signer() (*signing.Signer, error) {
	key, err := os.ReadFile(d.keyFile())
	if err != nil {
		return nil, fmt.Errorf("no --signer is given, and there is no development signer, which barong serve makes: %w", err)
	}
	return signing.NewSigner(developmentSigner, "RS256", key)
}

// docsTokenGood is how long a token of the documentation is good. The page gets
// another before it ends.
const docsTokenGood = 5 * time.Minute

// docsToken makes the token that the documentation's page tries operations with.
func (d development) docsToken() (token string, good time.Duration, err error) {
	signer, err := d.signer()
	if err != nil {
		return "", 0, err
	}
	token, err = signing.Token(signing.NewClaims(time.Now(), docsTokenGood), signer)
	return token, docsTokenGood, err
}

// greet says that the server has no keychain, and how to call it: to a person at a
// terminal with a command that is good for an hour, and with the URL of the
// documentation where that gives tokens for docsKey; elsewhere in a line of the log,
// which has neither: whoever reads it could do everything.
func (d development) greet(to io.Writer, log *slog.Logger, forPerson bool, url, docsKey string) error {
	if !forPerson {
		log.Warn("no keychain is configured (BARONG_MANAGEMENT_API): the development signer may do everything",
			"signer", developmentSigner, "key", d.keyFile(), "try", "barong call listUsers limit=10")
		return nil
	}
	signer, err := d.signer()
	if err != nil {
		return err
	}
	token, err := signing.Token(signing.NewClaims(time.Now(), time.Hour), signer)
	if err != nil {
		return err
	}
	docs := ""
	if docsKey != "" {
		docs = fmt.Sprintf("Or in a browser, once:\n\n  %s%s%s%s\n\n", url, apidocs.Path, apidocs.KeyFragment, docsKey)
	}
	_, err = fmt.Fprintf(to, `
No keychain is configured (BARONG_MANAGEMENT_API): the signer %q, made for development in %s, may do
everything. Try it; the token is good for an hour:

  curl -X POST %s%s/users/list -H 'Content-Type: application/json' -d '{"limit": 10}' -H 'Authorization: Bearer %s'

%s`, developmentSigner, d.dir, url, handlers.BasePath, token, docs)
	return err
}
