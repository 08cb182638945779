package auth

import (
	"errors"
	"fmt"
	"strings"

	"barong/identity"
)

// ParseBearer reads the value of an Authorization header: Bearer, in any case,
// and a JWS in compact serialisation (RFC 7515 §7.1) whose payload is a JSON
// object of claims. Whatever is wrong is [identity.ErrUnverified], with the
// cause: there are no parameters in a token that a caller could correct. The
// signature is not verified here.
func ParseBearer(authorization string) (*Credentials, error) {
	c, err := parseBearer(authorization)
	if err != nil {
		return nil, identity.ErrUnverified.Because(brief(err))
	}
	return c, nil
}

func parseBearer(authorization string) (*Credentials, error) {
	if authorization == "" {
		return nil, errors.New("neither an envelope nor an Authorization header")
	}
	scheme, token, _ := strings.Cut(authorization, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return nil, errors.New("the Authorization header has another scheme than Bearer")
	}
	parts := strings.SplitN(strings.Trim(token, " \t"), ".", 4)
	if len(parts) != 3 {
		return nil, errors.New("the Bearer token is not a compact JWS")
	}
	s, err := newSignature([]byte(parts[0]), joseHeader{}, []byte(parts[2]))
	if err != nil {
		return nil, fmt.Errorf("the Bearer token: %w", err)
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
