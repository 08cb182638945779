package auth

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"barong/internal/jsonobject"
)

// JWS is a JWS in General JSON serialisation (RFC 7515 §7.2.1) over claims, as
// it was received: to be signed by one party more. Whether the signatures that
// it has are good is not looked at.
type JWS struct {
	payload    jsontext.Value // with its quotes
	statement  statement
	signatures []entry
	others     []member // what is neither of the two
}

type entry struct {
	text jsontext.Value
	kid  string // "" where there is none
}

type member struct {
	name  string
	value jsontext.Value
}

// maxJWS is how long a JWS may be that is to be signed, in bytes of JSON.
const maxJWS = 64 << 10

// ParseJWS reads a JSON object of at most 64 KiB. It must have a payload, base64url
// of a JSON object, and at least one signature, each with a protected header and a
// value; where one has a kid in both of its headers, they agree. A member given
// twice is an error anywhere. An error repeats nothing of the text. The JWS keeps
// parts of text, which must not change as long as it is in use.
func ParseJWS(text []byte) (*JWS, error) {
	if len(text) > maxJWS {
		return nil, fmt.Errorf("it is longer than %d bytes", maxJWS)
	}
	var payload, signatures jsontext.Value
	j := &JWS{}
	err := eachMember(text, func(name []byte, value jsontext.Value) {
		switch string(name) {
		case "payload":
			payload = value
		case "signatures":
			signatures = value
		default:
			j.others = append(j.others, member{string(name), value})
		}
	})
	switch {
	case err != nil:
		return nil, err
	case payload == nil:
		return nil, errors.New("payload is missing")
	case signatures == nil:
		return nil, errors.New("signatures are missing")
	}
	if err := j.readPayload(payload); err != nil {
		return nil, fmt.Errorf("payload %w", err)
	}
	if err := eachElement(signatures, j.readEntry); err != nil {
		return nil, fmt.Errorf("signatures: %w", err)
	}
	if len(j.signatures) == 0 {
		return nil, errors.New("signatures are empty")
	}
	return j, nil
}

func (j *JWS) readPayload(value jsontext.Value) error {
	text, err := jsonobject.Unquote(value)
	if err != nil {
		return err
	}
	decoded, err := decodeBase64URL(text)
	if err != nil {
		return err
	}
	j.payload = value
	return eachMember(decoded, j.statement.note)
}

func (j *JWS) readEntry(value jsontext.Value) error {
	if value.Kind() != '{' {
		return errors.New("an element is not a JSON object")
	}
	var protected, signed, unprotected jsontext.Value
	err := eachMember(value, func(name []byte, value jsontext.Value) {
		switch string(name) {
		case "protected":
			protected = value
		case "header":
			unprotected = value
		case "signature":
			signed = value
		}
	})
	if err != nil {
		return err
	}
	protectedText, err := textOrNone(protected)
	if err != nil {
		return fmt.Errorf("the protected header of an element %w", err)
	}
	signature, err := textOrNone(signed)
	switch {
	case err != nil:
		return fmt.Errorf("the signature of an element %w", err)
	case len(protectedText) == 0:
		return errors.New("an element has no protected header")
	case signature == nil:
		return errors.New("an element has no signature")
	}
	var header joseHeader
	if unprotected != nil {
		if unprotected.Kind() != '{' {
			return errors.New("the header of an element is not a JSON object")
		}
		if err := jsonobject.Read(context.Background(), unprotected, header.read); err != nil {
			return err
		}
	}
	s, err := newSignature(protectedText, header, signature)
	switch {
	case err != nil:
		return err
	case s.twoKIDs:
		return errors.New("an element has one kid in its protected header and another in its header")
	}
	if _, err := decodeBase64URL(s.value); err != nil {
		return fmt.Errorf("the signature of an element %w", err)
	}
	j.signatures = append(j.signatures, entry{text: value, kid: s.kid})
	return nil
}

// textOrNone is the text of a member that is a string; nil where the member is
// absent or null.
func textOrNone(value jsontext.Value) ([]byte, error) {
	if value == nil || value.Kind() == 'n' {
		return nil, nil
	}
	return jsonobject.Unquote(value)
}

// Sign returns the JWS as JSON with a signature by s behind those that it had,
// over the payload as it was received. Those of others, and members that are not
// of a JWS, are byte for byte as they were; those that s had made are gone.
func (j *JWS) Sign(s *Signer) ([]byte, error) {
	payload, err := jsonobject.Unquote(j.payload)
	if err != nil {
		return nil, err
	}
	made, err := s.entry(string(payload), "")
	if err != nil {
		return nil, err
	}
	added, err := json.Marshal(made)
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	text.WriteString(`{"payload":`)
	text.Write(j.payload)
	text.WriteString(`,"signatures":[`)
	for _, e := range j.signatures {
		if e.kid != s.ID {
			text.Write(e.text)
			text.WriteByte(',')
		}
	}
	text.Write(added)
	text.WriteByte(']')
	for _, m := range j.others {
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
