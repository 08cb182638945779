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

// Signature is one signature of a JWS as received, not verified.
type Signature struct {
	KID             string // empty if neither header has one
	ConflictingKIDs bool   // the two headers have different kids
	HasCrit         bool   // it has crit: it depends on extensions (RFC 7515 §4.1.11), none of which is supported

	algorithm string // from the protected header; empty if it has none
	protected []byte // in base64url, as signed
	value     []byte // in base64url

	text       jsontext.Value // the element of signatures; nil in compact serialisation
	headerKind jsontext.Kind  // kind of the member header; 0 if it is absent
}

// header holds the parameters of RFC 7515 §4.1 that this package uses. It ignores typ and all
// others.
type header struct {
	algorithm string
	kid       *string
	hasCrit   bool
}

// read reads the parameters from a JSON object.
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

// readOrNull is like read, but accepts null as a header without parameters.
func (h *header) readOrNull(r *jsonobject.Reader) error {
	if r.Kind() == 'n' {
		_, err := r.Value()
		return err
	}
	return h.read(r)
}

// newSignature reads the protected header. An algorithm in the unprotected header is ignored,
// because it is not signed. crit is only permitted in the protected header (RFC 7515 §4.1.11),
// but detected in either.
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

// Verify returns an error unless the signature over the payload (base64url as received) is
// valid for the key and its algorithm. It returns the digest of what is signed where the
// algorithm needs it (RS, PS and ES), else nil: see [Signature.Digest].
func (s Signature) Verify(payload []byte, key *signing.VerificationKey) (digest []byte, err error) {
	if s.HasCrit {
		return nil, errors.New("the header has crit, and no extension is understood")
	}
	if s.algorithm != key.Algorithm() {
		return nil, fmt.Errorf("the protected header has the alg %.20q, and the keychain has %s", s.algorithm, key.Algorithm())
	}
	value, err := s.Value()
	if err != nil {
		return nil, err
	}
	if !key.SignsDigest() {
		return nil, key.Verify(signingInput(s.protected, payload), value)
	}
	digest = s.Digest(payload, key)
	return digest, key.VerifyDigest(digest, value)
}

// Digest hashes the text that the signature covers (RFC 7515 §5.1 step 8) by the hash of the key's
// algorithm. It copies nothing, because a payload with a document has several megabytes.
func (s Signature) Digest(payload []byte, key *signing.VerificationKey) []byte {
	hash := key.Hash().New()
	for _, part := range [][]byte{s.protected, []byte("."), payload} {
		_, _ = hash.Write(part) // never fails
	}
	return hash.Sum(nil)
}

// Protected returns the protected header in base64url, as signed.
func (s Signature) Protected() []byte { return s.protected }

// Value returns the decoded value of the signature.
func (s Signature) Value() ([]byte, error) {
	value, err := DecodeBase64URL(s.value)
	if err != nil {
		return nil, fmt.Errorf("the signature %w", err)
	}
	return value, nil
}

// signingInput returns the text that a signature covers. It allocates once.
func signingInput(protected, payload []byte) string {
	var input strings.Builder
	input.Grow(len(protected) + 1 + len(payload))
	input.Write(protected)
	input.WriteByte('.')
	input.Write(payload)
	return input.String()
}
