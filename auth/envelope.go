package auth

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"barong/identity"
)

// maxSignatures bounds how often a payload of megabytes can be made to be hashed.
const maxSignatures = 16

// ParseEnvelope reads a signed envelope: a JWS in General JSON serialisation
// (RFC 7515 §7.2.1). Anything but a JSON object with the members payload and
// signatures is none: then c and err are nil, whether it is JSON or not, and so
// it is for the flattened serialisation. A broken object counts as an envelope
// where both members begin before the break.
//
// An envelope that cannot be read is [identity.ErrUnparsableEnvelope], with the
// cause: a member given twice anywhere in it, its headers or its payload; a
// payload that is not base64url of a JSON object, or whose data is neither an
// object nor null; a signature without the shape of one; more than 16 of them.
// Signatures are not verified here. The credentials keep parts of body, which
// must not change as long as they are in use.
func ParseEnvelope(body []byte) (c *Credentials, isEnvelope bool, err error) {
	if !mayBeEnvelope(body) {
		return nil, false, nil
	}
	var payload, signatures jsontext.Value
	err = eachMember(body, func(name string, value jsontext.Value) {
		switch name {
		case "payload":
			payload = value
		case "signatures":
			signatures = value
		}
	})
	switch {
	case err != nil && isBrokenEnvelope(body):
		return nil, true, identity.ErrUnparsableEnvelope.Because(brief(err))
	case err != nil, payload == nil, signatures == nil:
		return nil, false, nil
	}
	c = &Credentials{}
	if err := errors.Join(c.readPayload(payload), c.readSignatures(signatures)); err != nil {
		return nil, true, identity.ErrUnparsableEnvelope.Because(brief(err))
	}
	return c, true, nil
}

// mayBeEnvelope finds out, at the speed of memory, that most bodies are none: the
// name of the member stands there as it is, or a letter of it is escaped as \u.
func mayBeEnvelope(body []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("{")) &&
		(bytes.Contains(body, []byte(`"signatures"`)) || bytes.Contains(body, []byte(`\u`)))
}

// isBrokenEnvelope looks for the two members in an object that is not sound, as
// far as it goes.
func isBrokenEnvelope(body []byte) bool {
	var payload, signatures bool
	decoder := jsontext.NewDecoder(bytes.NewBuffer(body), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if _, err := decoder.ReadToken(); err != nil {
		return false
	}
	for {
		name, err := decoder.ReadToken()
		if err != nil || name.Kind() != '"' {
			return payload && signatures
		}
		payload = payload || name.String() == "payload"
		signatures = signatures || name.String() == "signatures"
		if err := decoder.SkipValue(); err != nil {
			return payload && signatures
		}
	}
}

// readPayload keeps the payload as it came, and finds data and claims in it.
func (c *Credentials) readPayload(value jsontext.Value) (err error) {
	if c.payload, err = unquote(value); err != nil {
		return fmt.Errorf("payload %w", err)
	}
	decoded, err := decodeBase64URL(c.payload)
	if err != nil {
		return fmt.Errorf("payload %w", err)
	}
	var data jsontext.Value
	err = eachMember(decoded, func(name string, value jsontext.Value) {
		if name == "data" {
			data = value
		}
		c.claims.set(name, value)
	})
	switch {
	case err != nil:
		return fmt.Errorf("payload: %w", err)
	case data == nil || data.Kind() == 'n':
		return nil
	case data.Kind() != '{':
		return errors.New("data is neither a JSON object nor null")
	}
	c.data = data
	return nil
}

func (c *Credentials) readSignatures(array jsontext.Value) error {
	err := eachElement(array, func(value jsontext.Value) error {
		if len(c.signatures) == maxSignatures {
			return fmt.Errorf("has more than %d elements", maxSignatures)
		}
		if value.Kind() != '{' {
			return errors.New("has an element that is not an object")
		}
		var received struct {
			Protected string     `json:"protected"`
			Header    joseHeader `json:"header"`
			Signature *string    `json:"signature"`
		}
		if err := json.Unmarshal(value, &received); err != nil {
			return err
		}
		if received.Signature == nil {
			return errors.New("has an element without a signature")
		}
		s, err := newSignature([]byte(received.Protected), received.Header, []byte(*received.Signature))
		if err != nil {
			return err
		}
		c.signatures = append(c.signatures, s)
		return nil
	})
	if err != nil {
		return fmt.Errorf("signatures: %w", err)
	}
	return nil
}
