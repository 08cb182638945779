package cli

import (
	"fmt"
	"os"

	"barong/auth"
)

type keygenCommand struct {
	Name      string `arg:"" help:"The signer's name, which is the kid of its signatures."`
	Algorithm string `default:"RS256" help:"RS, PS, ES or HS with 256, 384 or 512, or EdDSA."`
	Out       string `placeholder:"FILE" help:"The file for the private key. Without it, NAME.pem."`
}

func (keygenCommand) Help() string {
	return `The private key goes to a file that only you can read, which must not be there yet. What is printed belongs under
keychain: in the server's keychain file; the name belongs into the lists of the scopes there.

Example:
  barong keygen backend-1.mycompany.example --algorithm ES256`
}

func (c keygenCommand) Run(p *program) error {
	private, value, err := auth.GenerateKey(c.Algorithm)
	if err != nil {
		return err
	}
	path := c.Out
	if path == "" {
		path = c.Name + ".pem"
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if _, err := file.Write(private); err != nil {
		file.Close()
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	fmt.Fprintf(p.stderr, "the private key of %s is in %s\n", c.Name, path)
	_, err = fmt.Fprintln(p.stdout, auth.KeychainEntry(c.Name, c.Algorithm, value))
	return err
}
