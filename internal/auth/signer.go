package auth

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/golang-jwt/jwt/v5"
)

// Signer is a party with its private key. It is safe for concurrent use.
type Signer struct {
	ID        string // the kid: the name in the server's keychain
	Algorithm string // one of Algorithms

	method jwt.SigningMethod
	key    any
}

// NewSigner reads a private key: PEM (PKCS #8, PKCS #1 or SEC 1) that fits the
// algorithm or, for HS, the secret itself, less a line break at its end. An
// empty algorithm stands for the one that goes with the key: RS256 for RSA, that
// of the curve, EdDSA.
func NewSigner(id, algorithm string, key []byte) (*Signer, error) {
	if id == "" {
		return nil, errors.New("a signer must have a name")
	}
	var method jwt.SigningMethod
	if algorithm != "" {
		var err error
		if method, err = methodOf(algorithm); err != nil {
			return nil, err
		}
	}
	if isSymmetric(method) {
		text, _ := bytes.CutSuffix(key, []byte("\n"))
		text, _ = bytes.CutSuffix(text, []byte("\r"))
		secret, err := parseSecret(string(text))
		if err != nil {
			return nil, fmt.Errorf("the secret %w", err)
		}
		return &Signer{ID: id, Algorithm: algorithm, method: method, key: secret}, nil
	}
	private, err := parsePrivateKey(key)
	if err != nil {
		return nil, err
	}
	if method == nil {
		method, err = defaultAlgorithm(private.Public())
	} else {
		err = checkKey(method, private.Public())
	}
	if err != nil {
		return nil, err
	}
	return &Signer{ID: id, Algorithm: method.Alg(), method: method, key: private}, nil
}

// sign signs a payload under a protected header, both in base64url.
func (s *Signer) sign(protected, payload string) (string, error) {
	value, err := s.method.Sign(protected+"."+payload, s.key)
	if err != nil {
		return "", fmt.Errorf("%s could not sign: %w", s.ID, err)
	}
	return encodeBase64URL(value), nil
}

// Claims are the claims of RFC 7519 §4.1 that a signer makes, and the operation that
// they are meant for. What is zero is left out. Times go out in whole seconds.
type Claims struct {
	ExpiresAt time.Time
	NotBefore time.Time
	IssuedAt  time.Time
	JTI       string
	Issuer    string
	Audience  []string
	Subject   string
	Operation string // the operationId: the signature is good for no other; any where it is empty
}

// NewClaims are those of a request made now and good for a time, with a random
// jti.
func NewClaims(now time.Time, good time.Duration) Claims {
	return Claims{IssuedAt: now, ExpiresAt: now.Add(good), JTI: rand.Text()}
}

// payload is the claims as JSON in base64url, with data among them unless that
// is nil.
func (c Claims) payload(data []byte) (string, error) {
	seconds := func(t time.Time) *int64 {
		if t.IsZero() {
			return nil
		}
		unix := t.Unix()
		return &unix
	}
	text, err := json.Marshal(struct {
		Data      jsontext.Value `json:"data,omitzero"`
		Issuer    string         `json:"iss,omitzero"`
		Subject   string         `json:"sub,omitzero"`
		Audience  []string       `json:"aud,omitempty"`
		IssuedAt  *int64         `json:"iat,omitzero"`
		NotBefore *int64         `json:"nbf,omitzero"`
		ExpiresAt *int64         `json:"exp,omitzero"`
		JTI       string         `json:"jti,omitzero"`
		Operation string         `json:"op,omitzero"`
	}{data, c.Issuer, c.Subject, c.Audience, seconds(c.IssuedAt), seconds(c.NotBefore), seconds(c.ExpiresAt), c.JTI, c.Operation})
	if err != nil {
		return "", fmt.Errorf("the data cannot be signed: %w", err)
	}
	return encodeBase64URL(text), nil
}

// Envelope signs data, a JSON object or nil, into a JWS in General JSON
// serialisation with a signature by each signer: the body of a request. The kid
// stands in the unprotected header, where Barong's clients put it.
func Envelope(data []byte, claims Claims, signers ...*Signer) ([]byte, error) {
	return envelope("", data, claims, signers)
}

// Attestation signs the claims into the same form, with the typ (RFC 8725 §3.11) in
// the protected header. No countersignature has one ([JWS.Sign]): by it, who
// verifies tells what the signer says of its own accord from what it was handed.
func Attestation(typ string, claims Claims, s *Signer) ([]byte, error) {
	return envelope(typ, nil, claims, []*Signer{s})
}

func envelope(typ string, data []byte, claims Claims, signers []*Signer) ([]byte, error) {
	if data != nil && jsontext.Value(data).Kind() != '{' {
		return nil, errors.New("the data to sign must be a JSON object")
	}
	payload, err := claims.payload(data)
	if err != nil {
		return nil, err
	}
	signatures := make([]signed, len(signers))
	for i, s := range signers {
		if signatures[i], err = s.entry(payload, typ); err != nil {
			return nil, err
		}
	}
	return json.Marshal(struct {
		Payload    string   `json:"payload"`
		Signatures []signed `json:"signatures"`
	}{payload, signatures})
}

// signed is an element of signatures, with the kid where Barong's clients put it.
type signed struct {
	Protected string       `json:"protected"`
	Header    signedHeader `json:"header"`
	Signature string       `json:"signature"`
}

type signedHeader struct {
	KID string `json:"kid"`
}

// entry signs a payload, which is in base64url. typ is left out where it is empty.
func (s *Signer) entry(payload, typ string) (signed, error) {
	protected, err := encodeHeader(s.Algorithm, "", typ)
	if err != nil {
		return signed{}, err
	}
	value, err := s.sign(protected, payload)
	return signed{protected, signedHeader{s.ID}, value}, err
}

// Token signs the claims into a JWS in compact serialisation: what follows Bearer
// in an Authorization header.
func Token(claims Claims, s *Signer) (string, error) {
	payload, err := claims.payload(nil)
	if err != nil {
		return "", err
	}
	protected, err := encodeHeader(s.Algorithm, s.ID, "")
	if err != nil {
		return "", err
	}
	value, err := s.sign(protected, payload)
	if err != nil {
		return "", err
	}
	return protected + "." + payload + "." + value, nil
}

// encodeHeader is a protected header in base64url; an empty kid or typ is left out.
func encodeHeader(algorithm, kid, typ string) (string, error) {
	text, err := json.Marshal(struct {
		Algorithm string `json:"alg"`
		KID       string `json:"kid,omitzero"`
		Type      string `json:"typ,omitzero"`
	}{algorithm, kid, typ})
	return encodeBase64URL(text), err
}
