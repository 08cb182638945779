package auth

import (
	"barong/internal/jsonobject"
	"barong/internal/jws"
)

// Credentials are a parsed envelope or Bearer token. Nothing in them is verified until
// [Keychain.Authorize] has returned without an error.
type Credentials struct {
	payload    []byte // as received, in base64url: the signatures are over this text
	claims     claimSet
	data       []byte
	parameters jsonobject.Members
	signatures []jws.Signature

	foreign bool // the payload has members that are neither claims nor data

	verified   []verifiedSignature // of an envelope: by permitted signers, in order
	digest     *tokenDigest        // of a Bearer token; else nil
	cacheable  bool                // a Bearer token that is short enough for the cache
	verifiedBy *Keychain           // the keychain that has verified every signature before; else nil
}

// Data returns the member data of an envelope's payload, a JSON object with the bytes that
// were signed. It is nil if there is none, and for every Bearer token. The caller must not
// change it.
func (c *Credentials) Data() []byte { return c.data }

// Parameters returns the wanted members of Data. They are slices of it and must not be
// changed.
func (c *Credentials) Parameters() jsonobject.Members { return c.parameters }

// Release drops the references to the request's text, which may have several megabytes, once
// the signatures are verified. After that, the credentials authorise nothing.
func (c *Credentials) Release() { c.payload, c.signatures, c.verified = nil, nil, nil }
