package jws

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"

	"barong/internal/jsonobject"
)

// General is a JWS in General JSON serialisation (RFC 7515 §7.2.1) as it was received.
// Its parts are parts of the text that was read, which must not change as long as they
// are in use.
type General struct {
	Payload    []byte      // in base64url; nil if the text has no member payload
	Signatures []Signature // nil if the text has no member signatures

	quoted jsontext.Value // the payload with its quotes
}

// Options say how [Parse] reads a JWS.
type Options struct {
	// MaxSignatures is how many signatures are read; more are an error. 0 is no limit.
	MaxSignatures int
	// Payload gets the decoded payload, before or after the signatures are read. Its
	// error ends the reading.
	Payload func(decoded []byte) error
	// Other gets the members that are neither payload nor signatures. If it is nil, they
	// are skipped. The name is only valid until it returns.
	Other func(name []byte, value jsontext.Value)
}

// Parse reads a JSON object. If it has payload and signatures, they must have the shape
// of those of a JWS; whether it has them is for the caller to check. Protected headers
// must be JSON objects; signatures are not decoded. A member given twice is an error in
// the object, its signatures and their headers. An error repeats nothing of the text.
// Parse ends when ctx does.
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
