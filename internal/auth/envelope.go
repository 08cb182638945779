package auth

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"barong/internal/jsonobject"
	"barong/internal/jws"
)

// leastSignatures is the number of signatures that every keychain accepts in an envelope. The
// actual limit is the number of signers, if that is larger. The limit bounds how often a
// payload of several megabytes is hashed.
const leastSignatures = 16

// maxSignatures returns the maximum number of signatures in an envelope.
func (k *Keychain) maxSignatures() int { return max(leastSignatures, len(k.keys)) }

// ParseEnvelope parses a signed envelope: a JWS in General JSON serialisation (RFC 7515
// §7.2.1). A body that is not a JSON object with the members payload and signatures is not an
// envelope: c and err are then nil, for invalid JSON and for the flattened serialisation too.
// Malformed JSON counts as an envelope if both members begin before the syntax error.
//
// It keeps the parameters in data for which wanted returns true. An invalid envelope is
// [ErrUnparsableEnvelope] with a cause: a duplicate member anywhere in it, its headers or its
// payload; a payload that is not base64url of a JSON object, or whose data is neither an
// object nor null; a malformed signature; more signatures than both 16 and the number of
// signers; more members or values than package jsonobject accepts. Signatures are not verified
// here. The credentials refer to slices of body, which must not change while they are in use.
// If ctx ends, its error is returned.
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

// mayBeEnvelope excludes most other bodies with a fast text search: the name signatures
// appears literally, or some character is escaped as \u.
func mayBeEnvelope(body []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("{")) &&
		(bytes.Contains(body, []byte(`"signatures"`)) || bytes.Contains(body, []byte(`\u`)))
}

// hasMembers reports whether a possibly malformed object has both members before its first
// syntax error.
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

// readPayload reads data and the claims from the decoded payload.
func (c *Credentials) readPayload(ctx context.Context, decoded []byte, wanted func([]byte) bool) error {
	err := jsonobject.Read(ctx, decoded, func(r *jsonobject.Reader) error {
		_, err := r.Object(func(name []byte) error {
			if string(name) == "data" && r.Kind() != 'n' {
				return c.readData(r, wanted)
			}
			value, err := r.Value()
			if err == nil && !c.claims.set(name, value) {
				c.foreign = true
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
