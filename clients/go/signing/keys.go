package signing

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

	"github.com/golang-jwt/jwt/v5"
)

// secretBytes is the minimum length of an HMAC secret, the output size of SHA-256 (RFC 7518
// §3.2): a shorter one could be guessed from a single signature. A generated secret has as
// many random bytes, in hexadecimal.
const secretBytes = 32

// parsePrivateKey parses a PEM private key: PKCS #8, PKCS #1 or SEC 1.
func parsePrivateKey(text []byte) (crypto.Signer, error) {
	block, rest := pem.Decode(text)
	if block != nil && block.Type == "EC PARAMETERS" { // openssl ecparam writes them first; the key contains them too
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

// GenerateKey generates a key for the algorithm. It returns the private key in PEM (PKCS #8)
// and the value for its entry in a server's keychain file. RSA keys have 2048 bits. For an
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
