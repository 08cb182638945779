package journal

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	_ "crypto/sha256" // the hashes of the algorithms
	_ "crypto/sha512"
	"crypto/subtle"
	"errors"
	"fmt"
	"math/big"
	"strings"

	"github.com/golang-jwt/jwt/v5"
)

// Grade says what a row of the journal proves about one of its signatures.
type Grade string

// The grades, from the strongest to the weakest.
const (
	Proved   Grade = "proved"   // payload and signature are there: the signer signed these parameters
	Signed   Grade = "signed"   // RS, PS: the signer signed the digest; what it is the digest of, the payload shows
	Attested Grade = "attested" // the server's word, fixed in time by the checkpoints
)

// Judgement is the grade of one signature, or why it is not valid.
type Judgement struct {
	KID, Algorithm string
	Grade          Grade
	Err            error // not nil: the signature does not verify
}

// PublicKeyOf returns the public key with a thumbprint (RFC 7638), and false for an unknown one.
type PublicKeyOf func(thumbprint string) (crypto.PublicKey, bool)

// Judge verifies the signatures of a proof as far as that can be done without the payload, or with it.
// payload is base64url as received; nil: the row has none. A row without a proof has no judgements.
func Judge(proof *Proof, payload *string, key PublicKeyOf) []Judgement {
	if proof == nil {
		return nil
	}
	var judged []Judgement
	if len(proof.Token) > 0 {
		judged = append(judged, Judgement{Grade: Attested})
	}
	for i := range proof.Signatures {
		signature := &proof.Signatures[i]
		grade, err := signature.judge(payload, key)
		judged = append(judged, Judgement{signature.KID, signature.Algorithm, grade, err})
	}
	return judged
}

// GradeOf is the grade of a row: the weakest of its signatures. A row without signatures is attested.
func GradeOf(judged []Judgement) Grade {
	strength := map[Grade]int{Attested: 0, Signed: 1, Proved: 2}
	if len(judged) == 0 {
		return Attested
	}
	weakest := Proved
	for _, j := range judged {
		if strength[j.Grade] < strength[weakest] {
			weakest = j.Grade
		}
	}
	return weakest
}

var hashes = map[string]crypto.Hash{"256": crypto.SHA256, "384": crypto.SHA384, "512": crypto.SHA512}

func (s *Signature) judge(payload *string, key PublicKeyOf) (Grade, error) {
	if strings.HasPrefix(s.Algorithm, "HS") {
		return Attested, nil // the journal has no secrets
	}
	public, known := key(s.Thumbprint)
	if !known {
		return Attested, fmt.Errorf("the key of %s (%s) is not known", s.KID, s.Thumbprint)
	}
	if payload != nil {
		return s.judgePayload(*payload, public)
	}
	if s.Algorithm == "EdDSA" {
		return Attested, nil // it signs the message, not a digest
	}
	hash, known := hashes[s.Algorithm[max(0, len(s.Algorithm)-3):]]
	if !known || len(s.Digest) != hash.Size() {
		return Attested, fmt.Errorf("the digest of the signature of %s does not fit its algorithm", s.KID)
	}
	grade, err := s.verifyDigest(hash, public)
	if err != nil {
		return Attested, fmt.Errorf("the signature of %s does not verify: %w", s.KID, err)
	}
	return grade, nil
}

// judgePayload verifies the signature over the payload itself, and that the digest is its.
func (s *Signature) judgePayload(payload string, public crypto.PublicKey) (Grade, error) {
	input := s.Protected + "." + payload
	method := jwt.GetSigningMethod(s.Algorithm)
	if method == nil {
		return Attested, fmt.Errorf("the algorithm of the signature of %s is not known", s.KID)
	}
	if err := method.Verify(input, s.Value, public); err != nil {
		return Attested, fmt.Errorf("the signature of %s does not verify: %w", s.KID, err)
	}
	hash := crypto.SHA512 // Ed25519
	if s.Algorithm != "EdDSA" {
		hash = hashes[s.Algorithm[len(s.Algorithm)-3:]]
	}
	digest := hash.New()
	digest.Write([]byte(input))
	if len(s.Digest) > 0 && subtle.ConstantTimeCompare(digest.Sum(nil), s.Digest) != 1 {
		return Attested, fmt.Errorf("the digest of the signature of %s is not that of the payload", s.KID)
	}
	return Proved, nil
}

var errOtherKey = errors.New("the key is not one of its algorithm")

func (s *Signature) verifyDigest(hash crypto.Hash, public crypto.PublicKey) (Grade, error) {
	switch public := public.(type) {
	case *rsa.PublicKey:
		if strings.HasPrefix(s.Algorithm, "PS") {
			return Signed, rsa.VerifyPSS(public, hash, s.Digest, s.Value, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthAuto})
		}
		if strings.HasPrefix(s.Algorithm, "RS") {
			return Signed, rsa.VerifyPKCS1v15(public, hash, s.Digest, s.Value)
		}
	case *ecdsa.PublicKey:
		half := len(s.Value) / 2
		r, value := new(big.Int).SetBytes(s.Value[:half]), new(big.Int).SetBytes(s.Value[half:])
		if strings.HasPrefix(s.Algorithm, "ES") && ecdsa.Verify(public, s.Digest, r, value) {
			return Attested, nil // whoever has the public key can invent a digest with a signature that verifies
		}
		return Attested, rsa.ErrVerification
	case ed25519.PublicKey:
	}
	return Attested, errOtherKey
}
