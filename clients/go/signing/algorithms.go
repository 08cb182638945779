package signing

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"fmt"
	"slices"
	"strings"

	"github.com/golang-jwt/jwt/v5"
)

// minRSABits is the minimum RSA modulus by RFC 7518 §3.3 and §3.5.
const minRSABits = 2048

// methods are the algorithms of RFC 7518 §3.1 and RFC 8037 §3.1 except none. The library's
// registry is not used, because it contains none.
var methods = []jwt.SigningMethod{
	jwt.SigningMethodRS256, jwt.SigningMethodRS384, jwt.SigningMethodRS512,
	jwt.SigningMethodPS256, jwt.SigningMethodPS384, jwt.SigningMethodPS512,
	jwt.SigningMethodES256, jwt.SigningMethodES384, jwt.SigningMethodES512,
	jwt.SigningMethodEdDSA,
	jwt.SigningMethodHS256, jwt.SigningMethodHS384, jwt.SigningMethodHS512,
}

// Algorithms returns the names of all supported algorithms, as in the header parameter alg.
func Algorithms() []string {
	names := make([]string, len(methods))
	for i, method := range methods {
		names[i] = method.Alg()
	}
	return names
}

// methodOf returns an algorithm by its name, which is case-sensitive (RFC 7515 §4.1.1).
func methodOf(name string) (jwt.SigningMethod, error) {
	i := slices.IndexFunc(methods, func(m jwt.SigningMethod) bool { return m.Alg() == name })
	if i < 0 {
		return nil, fmt.Errorf("the algorithm %q is not one of %s", name, strings.Join(Algorithms(), ", "))
	}
	return methods[i], nil
}

// CheckAlgorithm returns an error unless name is one of [Algorithms].
func CheckAlgorithm(name string) error {
	_, err := methodOf(name)
	return err
}

// isSymmetric reports whether signer and verifier share a secret.
func isSymmetric(method jwt.SigningMethod) bool {
	_, ok := method.(*jwt.SigningMethodHMAC)
	return ok
}

// checkKey returns an error unless the public key can be used with the algorithm. The error
// names a suitable algorithm for the key, if there is one.
func checkKey(method jwt.SigningMethod, public any) error {
	err := checkKeyType(method, public)
	if err == nil {
		return nil
	}
	if fitting, unfit := defaultAlgorithm(public); unfit == nil {
		return fmt.Errorf("%w: write %s, or give another key", err, fitting.Alg())
	}
	return err
}

func checkKeyType(method jwt.SigningMethod, public any) error {
	switch m := method.(type) {
	case *jwt.SigningMethodRSA, *jwt.SigningMethodRSAPSS:
		key, ok := public.(*rsa.PublicKey)
		if !ok {
			return fmt.Errorf("%s needs an RSA key, and this is %s", method.Alg(), describe(public))
		}
		if bits := key.N.BitLen(); bits < minRSABits {
			return fmt.Errorf("%s needs an RSA key of %d bits at least, and this one has %d", method.Alg(), minRSABits, bits)
		}
	case *jwt.SigningMethodECDSA:
		key, ok := public.(*ecdsa.PublicKey)
		if !ok || key.Curve.Params().BitSize != m.CurveBits {
			return fmt.Errorf("%s needs a key on the curve P-%d, and this is %s", method.Alg(), m.CurveBits, describe(public))
		}
	case *jwt.SigningMethodEd25519:
		if _, ok := public.(ed25519.PublicKey); !ok {
			return fmt.Errorf("%s needs an Ed25519 key, and this is %s", method.Alg(), describe(public))
		}
	}
	return nil
}

// describe returns the type of a public key in words.
func describe(public any) string {
	switch key := public.(type) {
	case *rsa.PublicKey:
		return "an RSA key"
	case *ecdsa.PublicKey:
		return "a key on the curve " + key.Curve.Params().Name
	case ed25519.PublicKey:
		return "an Ed25519 key"
	default:
		return fmt.Sprintf("a key of another kind (%T)", public)
	}
}

// defaultAlgorithm returns the algorithm for a public key if none is named.
func defaultAlgorithm(public any) (jwt.SigningMethod, error) {
	for _, method := range methods {
		if !isSymmetric(method) && checkKeyType(method, public) == nil {
			return method, nil
		}
	}
	return nil, fmt.Errorf("no algorithm can use %s: RSA of %d bits at least, P-256, P-384, P-521 and Ed25519 can be used", describe(public), minRSABits)
}
