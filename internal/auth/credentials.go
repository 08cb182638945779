package auth

import (
	"barong/internal/jsonobject"
	"barong/internal/jws"
)

// Credentials are an envelope or a Bearer token that could be read. Nothing in them is
// verified before [Keychain.Authorize] has returned no error.
type Credentials struct {
	payload    []byte // as received, in base64url: signatures are over this text
	claims     claimSet
	data       []byte
	parameters jsonobject.Members
	signatures []jws.Signature

	digest     *tokenDigest // of a Bearer token that may be remembered; else nil
	verifiedBy *Keychain    // under which every signature has been verified before; else nil
}

// Data is the member data of an envelope's payload, a JSON object as it was
// signed. It is nil where there is none, and always for a Bearer token. It must
// not be changed.
func (c *Credentials) Data() []byte { return c.data }

// Parameters are the members of Data that were wanted when it was read: parts of
// it, which must not be changed.
func (c *Credentials) Parameters() jsonobject.Members { return c.parameters }

// Release drops the text of the request, which may have megabytes, once its
// signatures are verified. The credentials authorise nothing from then on.
func (c *Credentials) Release() { c.payload, c.signatures = nil, nil }
