package jws

import (
	"encoding/json"
	"fmt"

	"github.com/go-jose/go-jose/v4"

	"barong/clients/go/signing"
)

// PublicKeys returns the JWK set (RFC 7517 §5) that verifies signatures by s. An HMAC secret
// has no public key, and is an error.
func PublicKeys(s *signing.Signer) ([]byte, error) {
	public := s.PublicKey()
	if public == nil {
		return nil, fmt.Errorf("the key of %s has no public half", s.ID)
	}
	return json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{
		{Key: public, KeyID: s.ID, Algorithm: s.Algorithm, Use: "sig"},
	}})
}
