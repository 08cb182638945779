package auth

import (
	"crypto"
	"encoding/json"
	"fmt"

	"github.com/go-jose/go-jose/v4"
)

// PublicKeys is the JWK set (RFC 7517 §5) with which everybody can verify what s
// signs. A secret that both sides share has no public half: that is an error.
func (s *Signer) PublicKeys() ([]byte, error) {
	private, ok := s.key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("the key of %s has no public half", s.ID)
	}
	return json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{
		{Key: private.Public(), KeyID: s.ID, Algorithm: s.Algorithm, Use: "sig"},
	}})
}
