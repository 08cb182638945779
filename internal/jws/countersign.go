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
// signature can be added. Its existing signatures are not verified.
type Countersignable struct {
	jws       *General
	statement statement
	others    []member // members other than payload and signatures
}

type member struct {
	name  string
	value jsontext.Value
}

// maxCountersignable is the maximum length of a [Countersignable], in bytes of JSON.
const maxCountersignable = 64 << 10

// ParseCountersignable parses a JSON object of at most 64 KiB. It must have a payload
// (base64url of a JSON object) and at least one signature, each with a protected header and a
// value. If both headers of a signature have a kid, the kids must be equal. A duplicate member
// anywhere is an error. Errors repeat nothing of the text. The result refers to slices of
// text, which must not change while it is in use.
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

// checkStrictly rejects signatures that lenient parsers could interpret in different ways.
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

// Sign returns the JWS as JSON with one more signature, by s, over the payload as received.
// Signatures of others and unknown members keep every byte. Earlier signatures by s are
// removed.
func (c *Countersignable) Sign(s *signing.Signer) ([]byte, error) {
	signature, err := s.Sign(string(c.jws.Payload), "")
	if err != nil {
		return nil, err
	}
	added, err := json.Marshal(signature)
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

// Attestation signs claims that the signer itself states. The JWS is in General JSON
// serialisation with typ (RFC 8725 §3.11) in the protected header. Countersignatures never
// have a typ, so that a verifier can distinguish the signer's own statements from what it only
// countersigned.
func Attestation(typ string, claims signing.Claims, s *signing.Signer) ([]byte, error) {
	payload, err := claims.Payload(nil)
	if err != nil {
		return nil, err
	}
	signature, err := s.Sign(payload, typ)
	if err != nil {
		return nil, err
	}
	return signing.Join(payload, signature)
}
