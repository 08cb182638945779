package auth

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"barong/internal/jsonobject"
	"barong/internal/jws"
)

// leastSignatures is how many signatures an envelope may always have, by strangers
// too. More of them than that are as many as there are signers: so it is bounded how
// often a payload of megabytes can be made to be hashed.
const leastSignatures = 16

// maxSignatures is how many signatures an envelope may have.
func (k *Keychain) maxSignatures() int { return max(leastSignatures, len(k.keys)) }

// ParseEnvelope reads a signed envelope: a JWS in General JSON serialisation
// (RFC 7515 §7.2.1). Anything but a JSON object with the members payload and
// signatures is none: then c and err are nil, whether it is JSON or not, and so
// it is for the flattened serialisation. A broken object counts as an envelope
// where both members begin before the break.
//
// Of data, the parameters that are wanted are kept. An envelope that cannot be
// read is [ErrUnparsableEnvelope], with the cause: a member given twice
// anywhere in it, its headers or its payload; a payload that is not base64url of a
// JSON object, or whose data is neither an object nor null; a signature without
// the shape of one; more of them than the keychain has signers, and than 16; more
// members or values than package jsonobject reads. Signatures are not verified here. The credentials keep parts
// of body, which must not change as long as they are in use. It ends when ctx
// does, with the context's error.
func (k *Keychain) ParseEnvelope(ctx context.Context, body []byte, wanted func(parameter []byte) bool) (c *Credentials, isEnvelope bool, err error) {
	if !mayBeEnvelope(body) {
		return nil, false, nil
	}
	c = &Credentials{}
	general, err := jws.Parse(ctx, body, jws.Options{
		MaxSignatures: k.maxSignatures(),
		Payload:       func(decoded []byte) error { return c.readPayload(ctx, decoded, wanted) },
	})
	switch {
	case ctx.Err() != nil:
		return nil, false, ctx.Err()
	case err != nil && hasMembers(ctx, body):
		return nil, true, ErrUnparsableEnvelope.WithCause(truncateError(err))
	case err != nil, general.Payload == nil, general.Signatures == nil:
		return nil, false, nil
	}
	c.payload, c.signatures = general.Payload, general.Signatures
	return c, true, nil
}

// mayBeEnvelope finds out, at the speed of memory, that most bodies are none: the
// name of the member stands there as it is, or a letter of it is escaped as \u.
func mayBeEnvelope(body []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("{")) &&
		(bytes.Contains(body, []byte(`"signatures"`)) || bytes.Contains(body, []byte(`\u`)))
}

// hasMembers looks for the two members in an object that may not be sound, as far
// as it goes.
func hasMembers(ctx context.Context, body []byte) bool {
	var payload, signatures bool
	_ = jsonobject.ReadLeniently(ctx, body, func(r *jsonobject.Reader) error {
		_, err := r.Object(func(name []byte) error {
			payload = payload || string(name) == "payload"
			signatures = signatures || string(name) == "signatures"
			_, err := r.Value()
			return err
		})
		return err
	})
	return payload && signatures
}

// readPayload takes data and the claims from the decoded payload.
func (c *Credentials) readPayload(ctx context.Context, decoded []byte, wanted func([]byte) bool) error {
	err := jsonobject.Read(ctx, decoded, func(r *jsonobject.Reader) error {
		_, err := r.Object(func(name []byte) error {
			if string(name) == "data" && r.Kind() != 'n' {
				return c.readData(r, wanted)
			}
			value, err := r.Value()
			if err == nil {
				c.claims.set(name, value)
			}
			return err
		})
		return err
	})
	if err != nil {
		return fmt.Errorf("payload: %w", err)
	}
	return nil
}

func (c *Credentials) readData(r *jsonobject.Reader, wanted func([]byte) bool) (err error) {
	if r.Kind() != '{' {
		return errors.New("data is neither a JSON object nor null")
	}
	c.parameters, c.data, err = r.Members(wanted)
	return err
}
