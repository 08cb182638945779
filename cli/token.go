package cli

import (
	"errors"
	"fmt"

	"barong/auth"
)

type tokenCommand struct {
	signing
}

func (tokenCommand) Help() string {
	return `A Bearer token has one signer. It serves for any operation whose scope asks for no other.

Example:
  barong token --signer backend=backend.pem --expires 5m`
}

func (c tokenCommand) Run(p *program) error {
	signers, err := c.signers()
	if err != nil {
		return err
	}
	if len(signers) != 1 {
		return errors.New("a Bearer token has one signer; barong sign makes an envelope, which takes several")
	}
	token, err := auth.Token(c.claims(), signers[0])
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(p.stdout, token)
	return err
}
