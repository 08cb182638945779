package auth

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
)

// ParseBearer reads the value of an Authorization header: Bearer, in any case,
// and a JWS in compact serialisation (RFC 7515 §7.1) whose payload is a JSON
// object of claims. Whatever is wrong is [ErrUnverified], with the
// cause, which repeats nothing of the token: there are no parameters in it that a
// caller could correct. The
// signature is not verified here; one that this keychain has verified before is
// known to [Keychain.Authorize], which does not compute it again.
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
	if len(token) > longestRemembered {
		return parseToken(token)
	}
	digest := tokenDigest(sha256.Sum256([]byte(token)))
	if known, ok := k.remembered.find(digest); ok {
		return known, nil
	}
	c, err := parseToken(token)
	if err != nil {
		return nil, err
	}
	c.digest = &digest
	return c, nil
}

func parseToken(token string) (*Credentials, error) {
	parts := strings.SplitN(token, ".", 4)
	if len(parts) != 3 {
		return nil, errors.New("the Bearer token is not a compact JWS")
	}
	s, err := newSignature([]byte(parts[0]), joseHeader{}, []byte(parts[2]))
	if err != nil {
		return nil, fmt.Errorf("the header of the Bearer token: %w", err)
	}
	c := &Credentials{payload: []byte(parts[1]), signatures: []signature{s}}
	payload, err := decodeBase64URL(c.payload)
	if err == nil {
		err = eachMember(payload, c.claims.set)
	}
	if err != nil {
		return nil, fmt.Errorf("the payload of the Bearer token: %w", err)
	}
	return c, nil
}
