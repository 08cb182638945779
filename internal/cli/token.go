package cli

import (
	"fmt"

	"barong/clients/go/signing"
)

type tokenCommand struct {
	bound
	signerOptions
}

func (tokenCommand) Help() string {
	return `A Bearer token has one signer. It serves for any operation whose scope asks for no other or, with --op, for one.

Example:
  barong token --signer backend=backend.pem --expires 5m
  barong token --op getUser`
}

func (c tokenCommand) Run(p *program) error {
	signers, err := c.signers()
	if err != nil {
		return err
	}
	if len(signers) != 1 {
		return usagef("a Bearer token has one signer; barong sign makes an envelope, which takes several")
	}
	claims, err := c.bind(c.signerOptions)
	if err != nil {
		return err
	}
	token, err := signing.Token(claims, signers[0])
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(p.stdout, token)
	return err
}
