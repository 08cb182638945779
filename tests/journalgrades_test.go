package tests

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"barong/clients/go/signing"
	"barong/internal/journal"
	"barong/repository"
)

// signed is the proof of an envelope that a new key of an algorithm has signed, and its payload.
func signedProof(t testing.TB, repo *repository.Repository, algorithm string) (proof *journal.Proof, payload string) {
	t.Helper()
	p := newParty(strings.ToLower(algorithm), algorithm)()
	payload, err := signing.NewClaims(time.Now(), time.Minute).Payload([]byte(`{"uid":"ID1"}`))
	if err != nil {
		t.Fatal(err)
	}
	made, err := p.signer.Sign(payload, "")
	if err != nil {
		t.Fatal(err)
	}
	value, err := base64.RawURLEncoding.DecodeString(made.Signature)
	if err != nil {
		t.Fatal(err)
	}
	hash := map[string]crypto.Hash{"256": crypto.SHA256, "384": crypto.SHA384, "512": crypto.SHA512, "DSA": crypto.SHA512}[algorithm[len(algorithm)-3:]].New()
	hash.Write([]byte(made.Protected + "." + payload))
	signature := journal.Signature{KID: p.signer.ID, Algorithm: algorithm, Protected: made.Protected, Digest: hash.Sum(nil), Value: value}
	if !strings.HasPrefix(algorithm, "HS") {
		signature.Thumbprint = seeKey(t, repo, p.value, p.signer.ID, algorithm)
	}
	return &journal.Proof{Signatures: []journal.Signature{signature}}, payload
}

// seeKey stores the public key of a keychain's value, as a server does, and returns its thumbprint.
func seeKey(t testing.TB, repo *repository.Repository, value, kid, algorithm string) string {
	t.Helper()
	text, err := base64.URLEncoding.DecodeString(value)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	thumbprint := signing.Thumbprint(key)
	if err := repo.SeeSignerKeys(t.Context(), []repository.SignerKey{{Thumbprint: thumbprint, KID: kid, Algorithm: algorithm, PublicKey: block.Bytes}}); err != nil {
		t.Fatal(err)
	}
	return thumbprint
}

// writeProved writes a label with a proof, and its payload unless it is "".
func (k *keptJournal) writeProved(user labelled, proof *journal.Proof, payload string) {
	k.t.Helper()
	record := newRecord(k.t)
	record.Form, record.Signers, record.Proof, record.Payload = journal.Envelope, []string{"signer"}, proof, payload
	if err := user.put(k.t.Context(), k.repo, record, unique("value")); err != nil {
		k.t.Fatal(err)
	}
}

// Guards that each row shows what it proves: with the payload every asymmetric signature, without it only
// those whose digest nobody can invent.
func TestGradesSayWhatARowProves(t *testing.T) {
	t.Parallel()
	k := newKeptJournal(t)
	user := newLabelled(t, k.repo)
	want := map[string]string{}
	seq := 0
	write := func(proof *journal.Proof, payload string, grade journal.Grade) {
		seq++
		want[fmt.Sprint(seq)] = string(grade)
		k.writeProved(user, proof, payload)
	}
	for _, test := range []struct {
		algorithm     string
		with, without journal.Grade
	}{
		{"RS256", journal.Proved, journal.Signed},
		{"PS384", journal.Proved, journal.Signed},
		{"ES256", journal.Proved, journal.Attested},
		{"EdDSA", journal.Proved, journal.Attested},
		{"HS256", journal.Attested, journal.Attested},
	} {
		proof, payload := signedProof(t, k.repo, test.algorithm) // the key is in no keychain any more
		write(proof, payload, test.with)
		write(proof, "", test.without)
	}
	write(&journal.Proof{Token: make([]byte, 32)}, "", journal.Attested)
	write(nil, "", journal.Attested)
	seal(t, k.repo)
	for line := range strings.Lines(k.command(0, "show", user.uid, "--json")) {
		var shown struct {
			Seq     json.Number
			Grade   string
			Invalid []string
		}
		if err := json.Unmarshal([]byte(line), &shown); err != nil {
			t.Fatal(err, line)
		}
		if want[shown.Seq.String()] != shown.Grade || shown.Invalid != nil {
			t.Errorf("row %s is %s instead of %s: %v", shown.Seq, shown.Grade, want[shown.Seq.String()], shown.Invalid)
		}
		delete(want, shown.Seq.String())
	}
	if len(want) > 0 {
		t.Errorf("not shown: %v", want)
	}
	verified := k.command(0, "verify", "--signatures")
	for _, count := range []string{"4 rows are proved", "2 rows are signed", "6 rows are attested"} {
		if !strings.Contains(verified, count) {
			t.Errorf("verify says nothing of %q: %s", count, verified)
		}
	}
	proof, _ := signedProof(t, k.repo, "RS256")
	proof.Signatures[0].Digest[0]++
	k.writeProved(user, proof, "")
	seal(t, k.repo)
	k.expect(3, "row 13: the signature of rs256 does not verify", "verify", "--signatures")
	k.expect(0, "NOT VALID", "show", "13")
}

// invented is a digest with a signature that verifies by a public key, made without its private key.
func invented(t testing.TB, public *ecdsa.PublicKey) (digest, signature []byte) {
	t.Helper()
	curve := elliptic.P256()
	a, err := rand.Int(rand.Reader, curve.Params().N)
	if err != nil {
		t.Fatal(err)
	}
	b, err := rand.Int(rand.Reader, curve.Params().N)
	if err != nil {
		t.Fatal(err)
	}
	x1, y1 := curve.ScalarBaseMult(a.Bytes())                 //nolint:staticcheck // the forgery needs the group
	x2, y2 := curve.ScalarMult(public.X, public.Y, b.Bytes()) //nolint:staticcheck // as above
	r, _ := curve.Add(x1, y1, x2, y2)                         //nolint:staticcheck // as above
	r.Mod(r, curve.Params().N)
	s := new(big.Int).Mul(r, new(big.Int).ModInverse(b, curve.Params().N))
	s.Mod(s, curve.Params().N)
	e := new(big.Int).Mul(s, a)
	e.Mod(e, curve.Params().N)
	return e.FillBytes(make([]byte, 32)), append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
}

// Guards that a checkpoint outside of the database shows a row that was invented with a valid signature,
// in a journal and a tree that are right in themselves.
func TestInventedRowFailsAgainstAnEarlierCheckpoint(t *testing.T) {
	t.Parallel()
	k := newKeptJournal(t)
	user := newLabelled(t, k.repo)
	proof, _ := signedProof(t, k.repo, "ES256")
	for range 3 {
		k.writeProved(user, proof, "")
	}
	seal(t, k.repo)
	k.checkpoint()
	outside := t.TempDir()
	k.command(0, "checkpoint", "export", outside)
	stored, err := k.repo.SignerKey(t.Context(), proof.Signatures[0].Thumbprint)
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.ParsePKIXPublicKey(stored.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	forged := proof.Signatures[0]
	forged.Digest, forged.Value = invented(t, key.(*ecdsa.PublicKey))
	text, err := json.Marshal(journal.Proof{Signatures: []journal.Signature{forged}})
	if err != nil {
		t.Fatal(err)
	}
	k.exec("CREATE TABLE forged AS SELECT * FROM journal")
	k.exec("UPDATE forged SET proof = $1 WHERE seq = 2", text)
	k.rebuild("forged")
	k.exec("TRUNCATE journal_checkpoints")
	k.expect(0, "3 rows are as they were sealed", "verify", "--signatures")
	k.expect(3, "has another root", "verify", "--checkpoints", outside)
}
