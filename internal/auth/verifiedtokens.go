package auth

import (
	"crypto/sha256"
	"strings"

	"github.com/maypok86/otter/v2"

	"barong/internal/jws"
)

const (
	// maxVerifiedTokens is the capacity of a keychain's cache of Bearer tokens. Eviction lags
	// by some dozens of tokens. Only permitted signers can fill the cache, and one token
	// serves all requests of a client.
	maxVerifiedTokens = 1024
	// maxVerifiedTokenLength is the maximum length of a cached token, in bytes. It bounds the
	// cache to some megabytes.
	maxVerifiedTokenLength = 4 << 10
)

// tokenDigest identifies a token, so that the cache contains no usable tokens.
type tokenDigest [sha256.Size]byte

// verifiedTokens caches the most used Bearer tokens whose signature one keychain has verified.
// It does not cache the outcome for claims and scope: they are checked at each use. It is safe
// for concurrent use; nil caches nothing.
type verifiedTokens struct {
	tokens *otter.Cache[tokenDigest, *Credentials]
}

func newVerifiedTokens() *verifiedTokens {
	return &verifiedTokens{otter.Must(&otter.Options[tokenDigest, *Credentials]{MaximumSize: maxVerifiedTokens})}
}

// Find returns the claims and the signers of a cached token.
func (v *verifiedTokens) Find(digest tokenDigest) (*Credentials, bool) {
	if v == nil {
		return nil, false
	}
	return v.tokens.GetIfPresent(digest)
}

// Add caches what is needed to use the token again: its claims and its signers. The keychain k
// must have verified every signature of c.
func (v *verifiedTokens) Add(c *Credentials, k *Keychain) {
	if v == nil || !c.cacheable {
		return
	}
	known := &Credentials{claims: c.claims.clone(), digest: c.digest, cacheable: true, verifiedBy: k}
	for _, s := range c.signatures {
		known.signatures = append(known.signatures, jws.Signature{KID: strings.Clone(s.KID)})
	}
	v.tokens.Set(*c.digest, known)
}

// Remove drops a token that cannot become valid again.
func (v *verifiedTokens) Remove(c *Credentials) {
	if v != nil && c.cacheable {
		v.tokens.Invalidate(*c.digest)
	}
}
