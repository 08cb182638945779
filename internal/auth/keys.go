package auth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"github.com/golang-jwt/jwt/v5"
)

// secretBytes is how long an HMAC secret must be at least, the output of SHA-256 (RFC
// 7518 §3.2): whoever has one signature can try short ones at leisure. A generated
// one has as many random bytes before it becomes hex.
const secretBytes = 32

const pemBegin = "-----BEGIN "

// parsePublicKey reads a keychain value: base64 of a PEM public key, in PKIX
// (PUBLIC KEY) or PKCS #1 form (RSA PUBLIC KEY). Its errors go after the name of
// the entry and never contain the value.
func parsePublicKey(value string) (any, error) {
	text := value
	isPlain := strings.Contains(value, pemBegin)
	if !isPlain {
		decoded, err := decodeAnyBase64(value)
		if err != nil {
			return nil, errors.New("is not url-safe base64 of a PEM public key")
		}
		text = string(decoded)
	}
	if strings.Contains(text, "PRIVATE KEY-----") {
		return nil, errors.New("is a private key: the keychain holds public keys, and a private key stays with its owner")
	}
	if isPlain {
		return nil, errors.New("is plain PEM: it must be url-safe base64 of that (base64 -w0 key.pem | tr '+/' '-_')")
	}
	block, rest := pem.Decode([]byte(text))
	switch {
	case block == nil:
		return nil, errors.New("is base64, but not of a PEM public key")
	case strings.TrimSpace(string(rest)) != "":
		return nil, errors.New("has something after the PEM public key")
	}
	var public any
	var err error
	switch block.Type {
	case "PUBLIC KEY":
		public, err = x509.ParsePKIXPublicKey(block.Bytes)
	case "RSA PUBLIC KEY":
		public, err = x509.ParsePKCS1PublicKey(block.Bytes)
	default:
		return nil, fmt.Errorf("is a PEM %s, and must be a PEM public key", block.Type)
	}
	if err != nil {
		return nil, fmt.Errorf("is no public key that can be read: %w", err)
	}
	return public, nil
}

// parseSecret reads the keychain value of an HMAC algorithm, which is the secret
// itself, of 32 bytes or more. A key in its place is refused: a public key is no
// secret, and whoever has it could sign.
func parseSecret(value string) ([]byte, error) {
	decoded, err := decodeAnyBase64(value)
	switch {
	case value == "":
		return nil, errors.New("is empty, and must be the secret")
	case strings.Contains(value, pemBegin), err == nil && strings.Contains(string(decoded), pemBegin):
		return nil, fmt.Errorf("is a PEM key%s: an HS algorithm takes a secret of its own, and never a key of another algorithm", advice(value))
	case len(value) < secretBytes:
		return nil, fmt.Errorf("is a secret of %d bytes, and must have %d at least, made at random: barong keygen NAME --algorithm HS256 makes one", len(value), secretBytes)
	}
	return []byte(value), nil
}

// advice says which algorithm goes with a public key that stands under another one;
// nothing where the value is none.
func advice(value string) string {
	public, err := parsePublicKey(value)
	if err != nil {
		return ""
	}
	method, err := defaultAlgorithm(public)
	if err != nil {
		return ""
	}
	return ", for which the algorithm is " + method.Alg()
}

// parsePrivateKey reads a PEM private key: PKCS #8, PKCS #1 or SEC 1.
func parsePrivateKey(text []byte) (crypto.Signer, error) {
	block, rest := pem.Decode(text)
	if block != nil && block.Type == "EC PARAMETERS" { // openssl ecparam puts them first; the key repeats them
		block, _ = pem.Decode(rest)
	}
	if block == nil {
		return nil, errors.New("this is not a PEM private key")
	}
	if block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["DEK-Info"] != "" {
		return nil, errors.New("the private key is encrypted: decrypt it first (openssl pkey)")
	}
	var key any
	var err error
	switch block.Type {
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
	default:
		return nil, fmt.Errorf("this is a PEM %s, and must be a PEM private key", block.Type)
	}
	if err != nil {
		return nil, fmt.Errorf("the private key cannot be read: %w", err)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("a key of this kind cannot sign (%T)", key)
	}
	return signer, nil
}

// GenerateKey makes a key for the algorithm: the private half in PEM (PKCS #8)
// and the value that the keychain has for it. RSA keys have 2048 bits. For an
// HMAC algorithm both are the secret, 64 hexadecimal digits.
func GenerateKey(algorithm string) (private []byte, keychainValue string, err error) {
	method, err := methodOf(algorithm)
	if err != nil {
		return nil, "", err
	}
	if isSymmetric(method) {
		secret := make([]byte, secretBytes)
		rand.Read(secret)
		text := hex.EncodeToString(secret)
		return []byte(text), text, nil
	}
	key, err := generate(method)
	if err != nil {
		return nil, "", fmt.Errorf("a key for %s could not be made: %w", algorithm, err)
	}
	privateDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, "", err
	}
	publicDER, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return nil, "", err
	}
	private = pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: privateDER})
	public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: publicDER})
	return private, base64.URLEncoding.EncodeToString(public), nil
}

func generate(method jwt.SigningMethod) (crypto.Signer, error) {
	switch method {
	case jwt.SigningMethodES256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case jwt.SigningMethodES384:
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case jwt.SigningMethodES512:
		return ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	case jwt.SigningMethodEdDSA:
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return key, err
	default:
		return rsa.GenerateKey(rand.Reader, minRSABits)
	}
}
