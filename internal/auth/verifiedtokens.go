package auth

import (
	"crypto/sha256"
	"strings"

	"github.com/maypok86/otter/v2"

	"barong/internal/jws"
)

const (
	// maxVerifiedTokens is how many Bearer tokens a keychain remembers, apart from some
	// dozens that are not evicted yet. Only permitted signers can fill the cache, and one
	// token serves all requests of a caller.
	maxVerifiedTokens = 1024
	// maxVerifiedTokenLength is the maximum length of such a token, in bytes, so that all
	// of them take some megabytes at most.
	maxVerifiedTokenLength = 4 << 10
)

// tokenDigest stands for a token, so that the memory of the server has no token that
// could be used.
type tokenDigest [sha256.Size]byte

// verifiedTokens caches the most used of the Bearer tokens whose signature one keychain
// has verified. Claims and scope are not cached: they are checked whenever a token is
// used. It is safe for concurrent use; nil caches nothing.
type verifiedTokens struct {
	tokens *otter.Cache[tokenDigest, *Credentials]
}

func newVerifiedTokens() *verifiedTokens {
	return &verifiedTokens{otter.Must(&otter.Options[tokenDigest, *Credentials]{MaximumSize: maxVerifiedTokens})}
}

// Find returns the claims and the signers of a token that was added.
func (v *verifiedTokens) Find(digest tokenDigest) (*Credentials, bool) {
	if v == nil {
		return nil, false
	}
	return v.tokens.GetIfPresent(digest)
}

// Add keeps what is needed to use the token again: its claims and who signed it.
// The keychain k has verified every signature of c.
func (v *verifiedTokens) Add(c *Credentials, k *Keychain) {
	if v == nil || c.digest == nil {
		return
	}
	known := &Credentials{claims: c.claims.clone(), digest: c.digest, verifiedBy: k}
	for _, s := range c.signatures {
		known.signatures = append(known.signatures, jws.Signature{KID: strings.Clone(s.KID)})
	}
	v.tokens.Set(*c.digest, known)
}

// Remove drops a token that will not be valid again.
func (v *verifiedTokens) Remove(c *Credentials) {
	if v != nil && c.digest != nil {
		v.tokens.Invalidate(*c.digest)
	}
}
