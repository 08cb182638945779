package jws

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"barong/clients/go/signing"
	"barong/internal/jsonobject"
)

// Countersignable is a JWS in General JSON serialisation over claims, to which one more
// signature can be added. Whether its signatures verify is not checked.
type Countersignable struct {
	jws       *General
	statement statement
	others    []member // neither payload nor signatures
}

type member struct {
	name  string
	value jsontext.Value
}

// maxCountersignable is the maximum length of a [Countersignable], in bytes of JSON.
const maxCountersignable = 64 << 10

// ParseCountersignable reads a JSON object of at most 64 KiB. It must have a payload,
// base64url of a JSON object, and at least one signature, each with a protected header
// and a value; if both headers of a signature have a kid, they must agree. A member
// given twice is an error anywhere. An error repeats nothing of the text. Parts of text
// are kept, which must not change as long as the JWS is in use.
func ParseCountersignable(text []byte) (*Countersignable, error) {
	if len(text) > maxCountersignable {
		return nil, fmt.Errorf("it is longer than %d bytes", maxCountersignable)
	}
	c := &Countersignable{}
	var err error
	c.jws, err = Parse(context.Background(), text, Options{
		Payload: c.readClaims,
		Other: func(name []byte, value jsontext.Value) {
			c.others = append(c.others, member{string(name), value})
		},
	})
	switch {
	case err != nil:
		return nil, err
	case c.jws.Payload == nil:
		return nil, errors.New("payload is missing")
	case c.jws.Signatures == nil:
		return nil, errors.New("signatures are missing")
	case len(c.jws.Signatures) == 0:
		return nil, errors.New("signatures are empty")
	}
	for _, s := range c.jws.Signatures {
		if err := s.checkStrictly(); err != nil {
			return nil, fmt.Errorf("signatures: %w", err)
		}
	}
	return c, nil
}

func (c *Countersignable) readClaims(decoded []byte) error {
	err := jsonobject.Read(context.Background(), decoded, func(r *jsonobject.Reader) error {
		_, err := r.Object(func(name []byte) error {
			claim := string(name)
			value, err := r.Value()
			if err == nil {
				c.statement.note(claim, value)
			}
			return err
		})
		return err
	})
	if err != nil {
		return fmt.Errorf("payload %w", err)
	}
	return nil
}

// checkStrictly rejects what a lenient reader of a signature could understand in more
// than one way.
func (s Signature) checkStrictly() error {
	switch {
	case len(s.protected) == 0:
		return errors.New("an element has no protected header")
	case s.headerKind != 0 && s.headerKind != '{':
		return errors.New("the header of an element is not a JSON object")
	case s.ConflictingKIDs:
		return errors.New("an element has one kid in its protected header and another in its header")
	}
	if _, err := DecodeBase64URL(s.value); err != nil {
		return fmt.Errorf("the signature of an element %w", err)
	}
	return nil
}

// Sign returns the JWS as JSON with a signature by s after the signatures that it has,
// over the payload as it was received. The signatures of others, and members that are
// not those of a JWS, are byte for byte as they were. Earlier signatures by s are
// dropped.
func (c *Countersignable) Sign(s *signing.Signer) ([]byte, error) {
	made, err := s.Sign(string(c.jws.Payload), "")
	if err != nil {
		return nil, err
	}
	added, err := json.Marshal(made)
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	text.WriteString(`{"payload":`)
	text.Write(c.jws.quoted)
	text.WriteString(`,"signatures":[`)
	for _, other := range c.jws.Signatures {
		if other.KID != s.ID {
			text.Write(other.text)
			text.WriteByte(',')
		}
	}
	text.Write(added)
	text.WriteByte(']')
	for _, m := range c.others {
		name, err := jsontext.AppendQuote(nil, m.name)
		if err != nil {
			return nil, err
		}
		text.WriteByte(',')
		text.Write(name)
		text.WriteByte(':')
		text.Write(m.value)
	}
	text.WriteByte('}')
	return text.Bytes(), nil
}

// Attestation signs claims of the signer's own into a JWS in General JSON
// serialisation, with the typ (RFC 8725 §3.11) in the protected header. No
// countersignature has a typ: by it, a verifier tells what the signer states from what
// the signer only countersigned.
func Attestation(typ string, claims signing.Claims, s *signing.Signer) ([]byte, error) {
	payload, err := claims.Payload(nil)
	if err != nil {
		return nil, err
	}
	made, err := s.Sign(payload, typ)
	if err != nil {
		return nil, err
	}
	return signing.Join(payload, made)
}
