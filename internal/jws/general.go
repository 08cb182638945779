package jws

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"

	"barong/internal/jsonobject"
)

// General is a parsed JWS in General JSON serialisation (RFC 7515 §7.2.1). Its fields are
// slices of the parsed text, which must not change while they are in use.
type General struct {
	Payload    []byte      // in base64url; nil if the text has no member payload
	Signatures []Signature // nil if the text has no member signatures

	quoted jsontext.Value // the payload with its quotes
}

// Options configure [Parse].
type Options struct {
	// MaxSignatures is the maximum number of signatures; more are an error. 0 means no limit.
	MaxSignatures int
	// Payload is called with the decoded payload, before or after the signatures are read. An
	// error that it returns ends Parse.
	Payload func(decoded []byte) error
	// Other is called for each member other than payload and signatures, unless it is nil. The
	// name is only valid during the call.
	Other func(name []byte, value jsontext.Value)
}

// Parse parses a JSON object. The members payload and signatures are optional, but must have
// the form of those of a JWS. Protected headers must be JSON objects; signature values are not
// decoded. A duplicate member of the object, of a signature or of a header is an error. Errors
// repeat nothing of the text. Parse ends when ctx does.
func Parse(ctx context.Context, text []byte, options Options) (*General, error) {
	g := &General{}
	err := jsonobject.Read(ctx, text, func(r *jsonobject.Reader) error {
		_, err := r.Object(func(name []byte) error {
			switch string(name) {
			case "payload":
				return g.readPayload(r, options.Payload)
			case "signatures":
				return g.readSignatures(r, options.MaxSignatures)
			}
			if options.Other == nil {
				_, err := r.Value()
				return err
			}
			key := string(name)
			value, err := r.Value()
			if err == nil {
				options.Other([]byte(key), value)
			}
			return err
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	return g, nil
}

func (g *General) readPayload(r *jsonobject.Reader, use func(decoded []byte) error) (err error) {
	if g.quoted, err = r.Value(); err != nil {
		return err
	}
	if g.Payload, err = jsonobject.Unquote(g.quoted); err != nil {
		return fmt.Errorf("payload %w", err)
	}
	decoded, err := DecodeBase64URL(g.Payload)
	if err != nil {
		return fmt.Errorf("payload %w", err)
	}
	return use(decoded)
}

func (g *General) readSignatures(r *jsonobject.Reader, most int) error {
	g.Signatures = make([]Signature, 0, 1) // most requests have one signer
	err := r.Array(func() error {
		if most > 0 && len(g.Signatures) == most {
			return fmt.Errorf("has more than %d elements", most)
		}
		s, err := readSignature(r)
		g.Signatures = append(g.Signatures, s)
		return err
	})
	if err != nil {
		return fmt.Errorf("signatures: %w", err)
	}
	return nil
}

func readSignature(r *jsonobject.Reader) (Signature, error) {
	if r.Kind() != '{' {
		if _, err := r.Value(); err != nil {
			return Signature{}, err
		}
		return Signature{}, errors.New("an element is not a JSON object")
	}
	var protected, value []byte
	var unprotected header
	var kind jsontext.Kind
	whole, err := r.Object(func(name []byte) (err error) {
		switch string(name) {
		case "protected":
			if protected, err = r.Text(); err != nil {
				return fmt.Errorf("the protected header of an element %w", err)
			}
		case "signature":
			if value, err = r.Text(); err != nil {
				return fmt.Errorf("the signature of an element %w", err)
			}
		case "header":
			kind = r.Kind()
			if err = unprotected.readOrNull(r); errors.Is(err, jsonobject.ErrNotObject) {
				return errors.New("the header of an element is not a JSON object")
			}
		default:
			_, err = r.Value()
		}
		return err
	})
	switch {
	case err != nil:
		return Signature{}, err
	case value == nil:
		return Signature{}, errNoSignature
	}
	s, err := newSignature(protected, unprotected, value)
	s.text, s.headerKind = whole, kind
	return s, err
}

var errNoSignature = errors.New("an element has no signature")
