package barong

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"barong/clients/go/signing"
)

// LoadSigner loads the private key of a signer from a PEM file (PKCS #8, PKCS #1 or SEC 1).
// name is the signer's name in the server's keychain. The algorithm follows from the key:
// RS256 for RSA, the algorithm of the curve, or EdDSA. For another algorithm, an HMAC secret,
// or a key that is not in a file, use [signing.NewSigner].
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

// LoadSigners loads a signer from each NAME.pem in a directory, sorted by name. A directory
// without such a file is an error.
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
