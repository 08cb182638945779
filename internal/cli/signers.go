package cli

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"barong/clients/go/signing"
	"barong/internal/app"
)

// signerOptions are the common options of commands that sign.
type signerOptions struct {
	Signer  []string      `placeholder:"NAME=FILE" sep:"none" env:"BARONG_SIGNER" help:"Who signs: its name in the server's keychain, and the file with its private key, as NAME=FILE or NAME=ALGORITHM:FILE. Several are separated by commas, or each has a --signer of its own. Without it, the development signer."`
	Expires time.Duration `default:"60s" help:"The validity of the signature."`
	DataDir string        `default:"data" env:"BARONG_DATA_DIR" hidden:""`
}

// signers loads the private keys.
func (s signerOptions) signers() ([]*signing.Signer, error) {
	if len(s.Signer) == 0 {
		signer, err := app.DevelopmentOf(s.DataDir).Signer()
		return []*signing.Signer{signer}, err
	}
	var options []string
	for _, list := range s.Signer {
		options = append(options, splitSigners(list)...)
	}
	signers := make([]*signing.Signer, len(options))
	for i, option := range options {
		name, file, ok := strings.Cut(option, "=")
		if !ok || name == "" || file == "" {
			return nil, usagef("--signer must be NAME=FILE or NAME=ALGORITHM:FILE")
		}
		algorithm := ""
		if known, rest, ok := strings.Cut(file, ":"); ok && slices.Contains(signing.Algorithms(), known) {
			algorithm, file = known, rest
		}
		key, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("--signer %s: %w", name, err)
		}
		if signers[i], err = signing.NewSigner(name, algorithm, key); err != nil {
			return nil, fmt.Errorf("--signer %s: %w", name, err)
		}
	}
	return signers, nil
}

// nextSigner matches a comma that separates two signers: a name and = must follow it before
// the next comma or slash. Other commas are part of a file name.
var nextSigner = regexp.MustCompile(`,\s*[^,=/\s]+=`)

// splitSigners splits a list of signers, such as that in BARONG_SIGNER.
func splitSigners(list string) []string {
	var signers []string
	start := 0
	for _, next := range nextSigner.FindAllStringIndex(list, -1) {
		signers = append(signers, strings.TrimSpace(list[start:next[0]]))
		start = next[0] + 1
	}
	return append(signers, strings.TrimSpace(list[start:]))
}

// claims returns the claims of a signature for one operation, or for all if it is empty.
func (s signerOptions) claims(operation string) signing.Claims {
	claims := signing.NewClaims(time.Now(), s.Expires)
	claims.Operation = operation
	return claims
}

// bound is the option of commands that sign without sending.
type bound struct {
	Operation string `name:"op" placeholder:"OPERATION" help:"The operation's id in openapi.yaml, such as createLabel: the signature is valid for no other. By default it is valid for all that the signer may call."`
}

// bind returns the claims of a signature.
func (b bound) bind(s signerOptions) (signing.Claims, error) {
	contract, err := readContract()
	if err != nil {
		return signing.Claims{}, err
	}
	if _, known := contract[b.Operation]; b.Operation != "" && !known {
		return signing.Claims{}, unknownOperation(b.Operation, contract)
	}
	return s.claims(b.Operation), nil
}
