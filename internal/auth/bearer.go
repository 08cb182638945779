package auth

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"barong/internal/jws"
)

// ParseBearer parses the value of an Authorization header: the scheme Bearer (in any case) and
// a JWS in compact serialisation (RFC 7515 §7.1) whose payload is a JSON object of claims.
// Every error is [ErrUnverified] with a cause that repeats nothing of the token. It does not
// verify the signature; [Keychain.Authorize] does, and reuses the result of an earlier
// verification by this keychain.
func (k *Keychain) ParseBearer(authorization string) (*Credentials, error) {
	c, err := k.parseBearer(authorization)
	if err != nil {
		return nil, ErrUnverified.WithCause(err)
	}
	return c, nil
}

func (k *Keychain) parseBearer(authorization string) (*Credentials, error) {
	if authorization == "" {
		return nil, errors.New("neither an envelope nor an Authorization header")
	}
	scheme, token, _ := strings.Cut(authorization, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return nil, errors.New("the Authorization header has another scheme than Bearer")
	}
	token = strings.Trim(token, " \t")
	digest := tokenDigest(sha256.Sum256([]byte(token)))
	cacheable := len(token) <= maxVerifiedTokenLength
	if known, ok := k.verifiedTokens.Find(digest); ok && cacheable {
		return known, nil
	}
	c, err := parseToken(token)
	if err != nil {
		return nil, err
	}
	c.digest, c.cacheable = &digest, cacheable
	return c, nil
}

func parseToken(token string) (*Credentials, error) {
	encoded, s, err := jws.ParseCompact(token)
	if err != nil {
		return nil, fmt.Errorf("the Bearer token: %w", err)
	}
	c := &Credentials{payload: encoded, signatures: []jws.Signature{s}}
	payload, err := jws.DecodeBase64URL(encoded)
	if err == nil {
		err = eachMember(payload, func(name []byte, value jsontext.Value) { c.claims.set(name, value) })
	}
	if err != nil {
		return nil, fmt.Errorf("the payload of the Bearer token: %w", err)
	}
	return c, nil
}
