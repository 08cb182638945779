package cli

import (
	"fmt"

	"barong/clients/go/signing"
)

type signCommand struct {
	Parameters string `arg:"" optional:"" default:"{}" help:"The parameters, a JSON object."`
	bound
	signerOptions
}

func (signCommand) Help() string {
	return `The envelope is the body of a request of its own (Content-Type: application/jose+json). Give --signer several times where
several parties must sign.

Example:
  barong sign '{"uid": "ID873B5CE1D2"}' --op getUser --signer backend=backend.pem --signer audit=ES256:audit.pem`
}

func (c signCommand) Run(p *program) error {
	signers, err := c.signers()
	if err != nil {
		return err
	}
	claims, err := c.bind(c.signerOptions)
	if err != nil {
		return err
	}
	envelope, err := signing.Envelope([]byte(c.Parameters), claims, signers...)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(p.stdout, string(envelope))
	return err
}
