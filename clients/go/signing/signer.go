package signing

import (
	"bytes"
	"crypto"
	"errors"
	"fmt"

	"github.com/golang-jwt/jwt/v5"
)

// Signer is a named private key that signs. It is safe for concurrent use.
type Signer struct {
	ID        string // the kid: the name of its entry in the server's keychain
	Algorithm string // one of Algorithms

	method jwt.SigningMethod
	key    any
}

// NewSigner parses a private key: PEM (PKCS #8, PKCS #1 or SEC 1) of a type that fits the
// algorithm or, for an HMAC algorithm, the secret, without a trailing line break. If algorithm
// is empty, it follows from the key: RS256 for RSA, ES256, ES384 or ES512 by the curve, EdDSA
// for Ed25519.
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

// PublicKey returns the public key, or nil for an HMAC secret.
func (s *Signer) PublicKey() crypto.PublicKey {
	private, ok := s.key.(crypto.Signer)
	if !ok {
		return nil
	}
	return private.Public()
}

// Signature is an element of signatures in the General JSON serialisation (RFC 7515 §7.2.1).
// The kid is in the unprotected header, like in Barong's own clients.
type Signature struct {
	Protected string `json:"protected"`
	Header    Header `json:"header"`
	Signature string `json:"signature"`
}

// Header is the unprotected header of a [Signature].
type Header struct {
	KID string `json:"kid"`
}

// Sign signs a payload (in base64url). The protected header contains the algorithm and, unless
// it is empty, typ (RFC 7515 §4.1.9).
func (s *Signer) Sign(payload, typ string) (Signature, error) {
	protected, err := encodeHeader(s.Algorithm, "", typ)
	if err != nil {
		return Signature{}, err
	}
	value, err := s.sign(protected, payload)
	return Signature{protected, Header{s.ID}, value}, err
}

// sign signs a payload under a protected header, both in base64url.
func (s *Signer) sign(protected, payload string) (string, error) {
	value, err := s.method.Sign(protected+"."+payload, s.key)
	if err != nil {
		return "", fmt.Errorf("%s could not sign: %w", s.ID, err)
	}
	return encodeBase64URL(value), nil
}

// Envelope signs data (a JSON object, or nil) with each signer, and returns the JWS in General
// JSON serialisation: the body of a request.
func Envelope(data []byte, claims Claims, signers ...*Signer) ([]byte, error) {
	payload, err := claims.Payload(data)
	if err != nil {
		return nil, err
	}
	signatures := make([]Signature, len(signers))
	for i, s := range signers {
		if signatures[i], err = s.Sign(payload, ""); err != nil {
			return nil, err
		}
	}
	return Join(payload, signatures...)
}

// Join returns a JWS in General JSON serialisation: a payload (in base64url) with signatures
// over it.
func Join(payload string, signatures ...Signature) ([]byte, error) {
	if signatures == nil {
		signatures = []Signature{}
	}
	return encode(struct {
		Payload    string      `json:"payload"`
		Signatures []Signature `json:"signatures"`
	}{payload, signatures})
}

// Token signs the claims and returns the JWS in compact serialisation (RFC 7515 §7.1), which
// follows Bearer in an Authorization header.
func Token(claims Claims, s *Signer) (string, error) {
	payload, err := claims.Payload(nil)
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

// encodeHeader returns a protected header in base64url. An empty kid or typ is omitted.
func encodeHeader(algorithm, kid, typ string) (string, error) {
	text, err := encode(struct {
		Algorithm string `json:"alg"`
		KID       string `json:"kid,omitempty"`
		Type      string `json:"typ,omitempty"`
	}{algorithm, kid, typ})
	return encodeBase64URL(text), err
}
