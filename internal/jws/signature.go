package jws

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"barong/clients/go/signing"
	"barong/internal/jsonobject"
)

// Signature is one signature as it was received. Nothing in it is verified.
type Signature struct {
	KID             string // empty if neither header has one
	ConflictingKIDs bool   // the two headers name different signers
	HasCrit         bool   // it relies on extensions (RFC 7515 §4.1.11), none of which is supported

	algorithm string // of the protected header; empty if that has none
	protected []byte // in base64url, as it was signed
	value     []byte // in base64url

	text       jsontext.Value // the element of signatures; nil in compact serialisation
	headerKind jsontext.Kind  // of the member header; 0 if there is none
}

// header has the parameters of RFC 7515 §4.1 that are used. typ and all others are
// ignored.
type header struct {
	algorithm string
	kid       *string
	hasCrit   bool
}

// read takes the parameters from a JSON object.
func (h *header) read(r *jsonobject.Reader) error {
	_, err := r.Object(func(name []byte) error {
		switch string(name) {
		case "alg":
			algorithm, err := r.Text()
			if err != nil {
				return fmt.Errorf("alg %w", err)
			}
			h.algorithm = string(algorithm)
			return nil
		case "kid":
			kid, err := r.Text()
			if err != nil {
				return fmt.Errorf("kid %w", err)
			}
			if kid != nil {
				text := string(kid)
				h.kid = &text
			}
			return nil
		case "crit":
			h.hasCrit = true
		}
		_, err := r.Value()
		return err
	})
	return err
}

// readOrNull takes null for a header without parameters.
func (h *header) readOrNull(r *jsonobject.Reader) error {
	if r.Kind() == 'n' {
		_, err := r.Value()
		return err
	}
	return h.read(r)
}

// newSignature reads the protected header. An algorithm that only the unprotected
// header names does not count, since nobody signed it. crit is only allowed in the
// protected header (RFC 7515 §4.1.11), and is noted in either.
func newSignature(protected []byte, unprotected header, value []byte) (Signature, error) {
	var h header
	if len(protected) > 0 {
		text, err := DecodeBase64URL(protected)
		if err != nil {
			return Signature{}, fmt.Errorf("the protected header %w", err)
		}
		switch err := jsonobject.Read(context.Background(), text, h.read); {
		case errors.Is(err, jsonobject.ErrNotObject):
			return Signature{}, fmt.Errorf("the protected header %w", err)
		case err != nil:
			return Signature{}, fmt.Errorf("the protected header cannot be read: %w", err)
		}
	}
	s := Signature{protected: protected, value: value, algorithm: h.algorithm, HasCrit: h.hasCrit || unprotected.hasCrit}
	switch inside, outside := h.kid, unprotected.kid; {
	case inside != nil && outside != nil:
		s.KID, s.ConflictingKIDs = *inside, *inside != *outside
	case inside != nil:
		s.KID = *inside
	case outside != nil:
		s.KID = *outside
	}
	return s, nil
}

// Verify returns an error unless the signature is one over the payload, in base64url as
// it was received, by the key and with the algorithm of the key.
func (s Signature) Verify(payload []byte, key *signing.VerificationKey) error {
	if s.HasCrit {
		return errors.New("the header has crit, and no extension is understood")
	}
	if s.algorithm != key.Algorithm() {
		return fmt.Errorf("the protected header has the alg %.20q, and the keychain has %s", s.algorithm, key.Algorithm())
	}
	value, err := DecodeBase64URL(s.value)
	if err != nil {
		return fmt.Errorf("the signature %w", err)
	}
	return key.Verify(signingInput(s.protected, payload), value)
}

// signingInput is what a signature is computed over (RFC 7515 §5.1 step 8). A payload
// with a document has megabytes, hence one allocation.
func signingInput(protected, payload []byte) string {
	var input strings.Builder
	input.Grow(len(protected) + 1 + len(payload))
	input.Write(protected)
	input.WriteByte('.')
	input.Write(payload)
	return input.String()
}
