package auth

import (
	"crypto/sha256"
	"strings"

	"github.com/maypok86/otter/v2"
)

const (
	// rememberedTokens is how many Bearer tokens a keychain remembers, some dozens more
	// until those are evicted. Only those
	// who sign can fill it, and one token serves all requests of a caller.
	rememberedTokens = 1024
	// longestRemembered is how long such a token may be, in bytes, so that all of
	// them take some megabytes at most.
	longestRemembered = 4 << 10
)

// tokenDigest stands for a token: whoever reads the memory of the server finds
// none there that could be used.
type tokenDigest [sha256.Size]byte

// remembered are Bearer tokens whose signature has held under one keychain, those of
// them that are used most. That is all it says of them: claims and scope are
// looked at whenever a token is used. It is safe for concurrent use; nil remembers
// nothing.
type remembered struct {
	tokens *otter.Cache[tokenDigest, *Credentials]
}

func newRemembered() *remembered {
	return &remembered{otter.Must(&otter.Options[tokenDigest, *Credentials]{MaximumSize: rememberedTokens})}
}

func (r *remembered) find(digest tokenDigest) (*Credentials, bool) {
	if r == nil {
		return nil, false
	}
	return r.tokens.GetIfPresent(digest)
}

// add keeps what is needed to use the token again: its claims and who signed it.
// Every signature of c has held under the keychain k.
func (r *remembered) add(c *Credentials, k *Keychain) {
	if r == nil || c.digest == nil {
		return
	}
	known := &Credentials{claims: c.claims.clone(), digest: c.digest, verifiedBy: k}
	for _, s := range c.signatures {
		known.signatures = append(known.signatures, signature{kid: strings.Clone(s.kid)})
	}
	r.tokens.Set(*c.digest, known)
}

// forget lets go of a token that will not be good again.
func (r *remembered) forget(c *Credentials) {
	if r != nil && c.digest != nil {
		r.tokens.Invalidate(*c.digest)
	}
}
