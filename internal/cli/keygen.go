package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"barong/clients/go/signing"
	"barong/generated"
	"barong/internal/app"
	"barong/internal/auth"
)

type keygenCommand struct {
	Name         []string `arg:"" help:"The signer's name, which is the kid of its signatures; several make a key each."`
	Algorithm    string   `default:"RS256" help:"RS, PS, ES or HS with 256, 384 or 512, or EdDSA."`
	Out          string   `placeholder:"FILE" help:"The file for the private key, with one signer; by default NAME.pem."`
	Keychain     bool     `help:"Write a whole keychain file, with all scopes, instead of printing an entry for one."`
	KeychainFile string   `default:"management_api.yml" placeholder:"FILE" help:"The file that --keychain writes."`
}

func (keygenCommand) Help() string {
	return `The private key goes to a file that only you can read. What is printed belongs under keychain: in the server's keychain
file; the name belongs into the lists of the scopes there. With --keychain that file is written, for BARONG_MANAGEMENT_API: the
signers may do everything in it, and where there are several, each request must be signed by all of them until mandatory_signers
says otherwise. No file is written over.

Example:
  barong keygen backend-1.mycompany.example --algorithm ES256
  barong keygen --keychain backend
  barong keygen --keychain backend auditor --keychain-file /etc/barong/management_api.yml`
}

func (c keygenCommand) Run(p *program) error {
	if c.Out != "" && len(c.Name) > 1 {
		return errors.New("--out is for one signer: without it, each of several gets its NAME.pem")
	}
	pairs := make([]app.KeyPair, len(c.Name))
	for i, name := range c.Name {
		private, value, err := signing.GenerateKey(c.Algorithm)
		if err != nil {
			return err
		}
		pairs[i] = app.KeyPair{Name: name, Algorithm: c.Algorithm, Value: value, Private: private}
	}
	files := map[string][]byte{}
	for _, pair := range pairs {
		path := c.keyPath(pair.Name)
		if _, twice := files[path]; twice {
			return fmt.Errorf("the signer %s is named twice", pair.Name)
		}
		files[path] = pair.Private
	}
	keychain := ""
	if c.Keychain {
		document, err := generated.GetSpec()
		if err != nil {
			return err
		}
		keychain = app.KeychainFile("Made by barong keygen --keychain. Who may call what: docs/configuration.md, \"The keychain file\".", pairs, document)
	}
	if err := c.write(pairs, keychain); err != nil {
		return err
	}
	return c.report(p, pairs)
}

func (c keygenCommand) keyPath(name string) string {
	if c.Out != "" {
		return c.Out
	}
	return name + ".pem"
}

// write creates all of the files, or none if one exists.
func (c keygenCommand) write(pairs []app.KeyPair, keychain string) (err error) {
	var made []string
	defer func() {
		if err != nil {
			for _, path := range made {
				err = errors.Join(err, os.Remove(path))
			}
		}
	}()
	for _, pair := range pairs {
		path := c.keyPath(pair.Name)
		if err := writeNew(path, pair.Private, 0o600); err != nil {
			if errors.Is(err, fs.ErrExist) {
				return fmt.Errorf("%s already exists, and may be the only copy of a key: sign with it (--signer %s=%s), give another file with --out, or move it away", path, pair.Name, path)
			}
			return err
		}
		made = append(made, path)
	}
	if keychain == "" {
		return nil
	}
	if err := writeNew(c.KeychainFile, []byte(keychain), c.keychainMode()); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("%s already exists: give another file with --keychain-file or, to add a signer to this one, run the command without --keychain and add what it prints", c.KeychainFile)
		}
		return err
	}
	return nil
}

// keychainMode makes a keychain of public keys readable for servers that run as another user,
// and one with a secret readable only for its owner.
func (c keygenCommand) keychainMode() fs.FileMode {
	if strings.HasPrefix(c.Algorithm, "HS") {
		return 0o600
	}
	return 0o644
}

// writeNew creates a file, which must not exist. It removes an incomplete file.
func writeNew(path string, content []byte, mode fs.FileMode) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err = errors.Join(err, file.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}

// report prints the keychain entries, and the next steps to standard error.
func (c keygenCommand) report(p *program, pairs []app.KeyPair) error {
	signers := ""
	for _, pair := range pairs {
		path := c.keyPath(pair.Name)
		fmt.Fprintf(p.stderr, "the private key of %s is in %s: only who signs needs it, never the server\n", pair.Name, path)
		signers += " --signer " + shellQuoted(c.signerOption(pair.Name, path))
	}
	if c.Keychain {
		where := c.KeychainFile
		if absolute, err := filepath.Abs(where); err == nil {
			where = absolute
		}
		fmt.Fprintf(p.stderr, "the keychain file is %s: start the server with BARONG_MANAGEMENT_API=%s\n", c.KeychainFile, shellQuoted(where))
		if len(pairs) > 1 {
			fmt.Fprintln(p.stderr, "every request must be signed by all of these signers: mandatory_signers in the file says so")
		}
	} else {
		fmt.Fprintln(p.stderr, "put what follows under keychain: in the server's keychain file, and the name into the lists of its scopes there;\n"+
			"a server that runs takes the file over by itself")
		for _, pair := range pairs {
			if _, err := fmt.Fprintln(p.stdout, auth.KeychainEntry(pair.Name, pair.Algorithm, pair.Value)); err != nil {
				return err
			}
		}
	}
	_, err := fmt.Fprintf(p.stderr, "then try: barong call getTimestamp%s\n", signers)
	return err
}

// signerOption returns the value for --signer. It names the algorithm if the key alone does
// not imply it.
func (c keygenCommand) signerOption(name, path string) string {
	if c.Algorithm == "RS256" {
		return name + "=" + path
	}
	return name + "=" + c.Algorithm + ":" + path
}
