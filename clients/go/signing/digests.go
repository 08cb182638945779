package signing

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"

	"github.com/golang-jwt/jwt/v5"
)

// Hash returns the hash of the algorithm; for EdDSA it is SHA-512 (RFC 8032 §5.1).
func (k *VerificationKey) Hash() crypto.Hash {
	switch m := k.method.(type) {
	case *jwt.SigningMethodRSA:
		return m.Hash
	case *jwt.SigningMethodRSAPSS:
		return m.Hash
	case *jwt.SigningMethodECDSA:
		return m.Hash
	case *jwt.SigningMethodHMAC:
		return m.Hash
	default:
		return crypto.SHA512
	}
}

// SignsDigest reports whether the algorithm signs only the digest of its input, so that
// [VerificationKey.VerifyDigest] can be used: RS, PS and ES.
func (k *VerificationKey) SignsDigest() bool {
	switch k.method.(type) {
	case *jwt.SigningMethodRSA, *jwt.SigningMethodRSAPSS, *jwt.SigningMethodECDSA:
		return true
	default:
		return false
	}
}

// VerifyDigest is Verify for a caller that has hashed the input, by the hash that
// [VerificationKey.Hash] returns. Algorithms that do not sign a digest verify nothing here.
func (k *VerificationKey) VerifyDigest(digest, signature []byte) error {
	switch m := k.method.(type) {
	case *jwt.SigningMethodRSA:
		if key, ok := k.value.(*rsa.PublicKey); ok {
			return rsa.VerifyPKCS1v15(key, m.Hash, digest, signature)
		}
	case *jwt.SigningMethodRSAPSS:
		if key, ok := k.value.(*rsa.PublicKey); ok {
			return rsa.VerifyPSS(key, m.Hash, digest, signature, m.VerifyOptions)
		}
	case *jwt.SigningMethodECDSA:
		key, ok := k.value.(*ecdsa.PublicKey)
		if !ok || len(signature) != 2*m.KeySize {
			return jwt.ErrECDSAVerification
		}
		r, s := new(big.Int).SetBytes(signature[:m.KeySize]), new(big.Int).SetBytes(signature[m.KeySize:])
		if ecdsa.Verify(key, digest, r, s) {
			return nil
		}
		return jwt.ErrECDSAVerification
	}
	return jwt.ErrSignatureInvalid
}

// PublicKey returns the public key, or nil for an HMAC algorithm.
func (k *VerificationKey) PublicKey() crypto.PublicKey {
	if isSymmetric(k.method) {
		return nil
	}
	return k.value
}

// Thumbprint returns the SHA-256 thumbprint of the public key in base64url (RFC 7638), or "" for an
// HMAC algorithm: the thumbprint of a secret would let others guess it.
func (k *VerificationKey) Thumbprint() string { return k.thumbprint }

// Thumbprint returns the SHA-256 thumbprint of an RSA, ECDSA or Ed25519 key in base64url (RFC 7638): the hash
// of the required members of its JWK in lexicographic order. It is "" for any other key.
func Thumbprint(public crypto.PublicKey) string {
	encode := base64.RawURLEncoding.EncodeToString
	var members any // their order is that of the names
	switch key := public.(type) {
	case *rsa.PublicKey:
		members = struct {
			E   string `json:"e"`
			Kty string `json:"kty"`
			N   string `json:"n"`
		}{encode(big.NewInt(int64(key.E)).Bytes()), "RSA", encode(key.N.Bytes())}
	case *ecdsa.PublicKey:
		point, err := key.Bytes()
		if err != nil {
			return ""
		}
		half := len(point) / 2 // after the byte that says that the point is not compressed
		members = struct {
			Crv string `json:"crv"`
			Kty string `json:"kty"`
			X   string `json:"x"`
			Y   string `json:"y"`
		}{key.Params().Name, "EC", encode(point[1 : 1+half]), encode(point[1+half:])}
	case ed25519.PublicKey:
		members = struct {
			Crv string `json:"crv"`
			Kty string `json:"kty"`
			X   string `json:"x"`
		}{"Ed25519", "OKP", encode(key)}
	default:
		return ""
	}
	text, err := json.Marshal(members)
	if err != nil {
		panic(err) // texts always have an encoding
	}
	sum := sha256.Sum256(text)
	return encode(sum[:])
}
