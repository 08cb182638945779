package barong

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"barong/clients/go/signing"
)

// LoadSigner reads the private key of a signer from a PEM file (PKCS #8, PKCS #1
// or SEC 1). The name is the one that the server's keychain has for it; the
// algorithm follows from the key: RS256, that of the curve, or EdDSA. For another
// algorithm, an HMAC secret, or a key that is in no file: [signing.NewSigner].
func LoadSigner(name, file string) (*signing.Signer, error) {
	key, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("the key of %s: %w", name, err)
	}
	signer, err := signing.NewSigner(name, "", key)
	if err != nil {
		return nil, fmt.Errorf("the key of %s in %s: %w", name, file, err)
	}
	return signer, nil
}

// LoadSigners reads a signer from each NAME.pem of a folder, in the order of the
// names. A folder without one is an error.
func LoadSigners(folder string) ([]*signing.Signer, error) {
	files, err := fs.Glob(os.DirFS(folder), "*.pem")
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("there is no private key NAME.pem in the folder %s", folder)
	}
	signers := make([]*signing.Signer, len(files))
	for i, file := range files {
		if signers[i], err = LoadSigner(strings.TrimSuffix(file, ".pem"), filepath.Join(folder, file)); err != nil {
			return nil, err
		}
	}
	return signers, nil
}
