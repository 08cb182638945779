package auth

import (
	"encoding/base64"
	"strings"
	"time"

	"barong/clients/go/signing"
	"barong/internal/journal"
	"barong/internal/jsonobject"
	"barong/internal/jws"
)

// verifiedSignature is a signature of a permitted signer that [Keychain.Authorize] has verified.
type verifiedSignature struct {
	jws.Signature
	key    *signing.VerificationKey
	digest []byte // nil: the verification did not need it
}

// Proof returns what the journal keeps of the verified signatures. It shares no memory with the
// request. It is called after [Keychain.Authorize], before [Credentials.Release]. The verification
// has hashed what RS, PS and ES sign; for EdDSA and HS Proof hashes it once more.
func (c *Credentials) Proof() *journal.Proof {
	if c.digest != nil {
		return &journal.Proof{Token: c.digest[:]}
	}
	proof := &journal.Proof{}
	for _, s := range c.verified {
		value, err := s.Value()
		if err != nil {
			continue // cannot happen: it was verified
		}
		digest := s.digest
		if digest == nil {
			digest = s.Digest(c.payload, s.key)
		}
		proof.Signatures = append(proof.Signatures, journal.Signature{
			KID: strings.Clone(s.KID), Algorithm: s.key.Algorithm(), Thumbprint: s.key.Thumbprint(), Protected: string(s.Protected()),
			Digest: digest, Value: value,
		})
	}
	return proof
}

// ID returns the claim jti, a string or a number as received. It is "" if there is none, or of
// another type.
func (c *Credentials) ID() string {
	if c.claims.jti.Kind() == '0' {
		return string(c.claims.jti)
	}
	if c.claims.jti.Kind() == '"' {
		if text, err := jsonobject.Unquote(c.claims.jti); err == nil {
			return strings.TrimSpace(string(text))
		}
	}
	return ""
}

// Expires returns the claim exp. ok is false if there is none.
func (c *Credentials) Expires() (at time.Time, ok bool) {
	exp := readDate("exp", c.claims.exp)
	return exp.at, exp.given && exp.err == nil
}

// PlainPayload returns the payload of an envelope in base64url, as signed, if its members are claims
// and declared parameters only, and it has at most limit bytes; else "".
func (c *Credentials) PlainPayload(limit int) string {
	if c.foreign || len(c.parameters.Unknown) > 0 || base64.RawURLEncoding.DecodedLen(len(c.payload)) > limit {
		return ""
	}
	return string(c.payload)
}

// ExpiryLeeway returns how long after exp a signature is accepted.
func (k *Keychain) ExpiryLeeway() time.Duration { return k.rules.expLeeway }
