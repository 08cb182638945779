package auth

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"barong/internal/jsonobject"
)

// Credentials are an envelope or a Bearer token that could be read. Nothing in
// them is to be believed before [Keychain.Authorize] has said so.
type Credentials struct {
	payload    []byte // as received, in base64url: signatures are over this text
	claims     claimSet
	data       []byte
	parameters jsonobject.Members
	signatures []signature

	digest     *tokenDigest // of a Bearer token that may be remembered; else nil
	verifiedBy *Keychain    // under which every signature has held before; else nil
}

// Data is the member data of an envelope's payload, a JSON object as it was
// signed. It is nil where there is none, and always for a Bearer token. It must
// not be changed.
func (c *Credentials) Data() []byte { return c.data }

// Parameters are the members of Data that were wanted when it was read: parts of
// it, which must not be changed.
func (c *Credentials) Parameters() jsonobject.Members { return c.parameters }

// Release lets go of the text of the request, which may have megabytes, once its
// signatures are verified. The credentials authorise nothing from then on.
func (c *Credentials) Release() { c.payload, c.signatures = nil, nil }

// signature is one signature as received.
type signature struct {
	protected []byte // in base64url, as it was signed
	value     []byte // in base64url
	algorithm string // of the protected header; "" where that has none
	kid       string // "" where there is none: then it is nobody's signature
	twoKIDs   bool   // the headers disagree about who signed
	critical  bool   // it relies on extensions, of which none is understood
}

// joseHeader are the parameters of RFC 7515 §4.1 that matter here. typ and all
// others are ignored.
type joseHeader struct {
	algorithm string
	kid       *string
	critical  bool // crit is there, whatever it says
}

// read takes the parameters from a JSON object.
func (h *joseHeader) read(r *jsonobject.Reader) error {
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
			h.critical = true
		}
		_, err := r.Value()
		return err
	})
	return err
}

// readOrNull takes null for a header without parameters.
func (h *joseHeader) readOrNull(r *jsonobject.Reader) error {
	if r.Kind() == 'n' {
		_, err := r.Value()
		return err
	}
	return h.read(r)
}

// newSignature reads the headers. What only the unprotected header says about the
// algorithm does not count, since nobody signed it. crit may stand in the
// protected header only (RFC 7515 §4.1.11); it is noted wherever it stands.
func newSignature(protected []byte, unprotected joseHeader, value []byte) (signature, error) {
	var header joseHeader
	if len(protected) > 0 {
		text, err := decodeBase64URL(protected)
		if err != nil {
			return signature{}, fmt.Errorf("the protected header %w", err)
		}
		switch err := jsonobject.Read(context.Background(), text, header.read); {
		case errors.Is(err, jsonobject.ErrNotObject):
			return signature{}, fmt.Errorf("the protected header %w", err)
		case err != nil:
			return signature{}, fmt.Errorf("the protected header cannot be read: %w", err)
		}
	}
	s := signature{
		protected: protected,
		value:     value,
		algorithm: header.algorithm,
		critical:  header.critical || unprotected.critical,
	}
	switch inside, outside := header.kid, unprotected.kid; {
	case inside != nil && outside != nil:
		s.kid, s.twoKIDs = *inside, *inside != *outside
	case inside != nil:
		s.kid = *inside
	case outside != nil:
		s.kid = *outside
	}
	return s, nil
}

// verify says why the signature over the payload is not one of this key.
func (s signature) verify(payload []byte, k key) error {
	if s.critical {
		return errors.New("the header has crit, and no extension is understood")
	}
	if s.algorithm != k.method.Alg() {
		return fmt.Errorf("the protected header has the alg %.20q, and the keychain has %s", s.algorithm, k.method.Alg())
	}
	value, err := decodeBase64URL(s.value)
	if err != nil {
		return fmt.Errorf("the signature %w", err)
	}
	return k.method.Verify(signingInput(s.protected, payload), value, k.value)
}

// signingInput is what a signature is computed over (RFC 7515 §5.1 step 8). A
// payload has megabytes where a document is in it, hence one allocation.
func signingInput(protected, payload []byte) string {
	var input strings.Builder
	input.Grow(len(protected) + 1 + len(payload))
	input.Write(protected)
	input.WriteByte('.')
	input.Write(payload)
	return input.String()
}
