package journal

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Checkpoint says which tree the journal was at a time: its size and root fix every row up to then.
type Checkpoint struct {
	Origin string // the name of the key that signs it
	Size   int64
	Root   tlog.Hash
	Epoch  int // counts up with each fork
	Time   time.Time
}

// origin is the name of keys that are made here.
const origin = "barong-journal"

// NewSigningKey makes a key that signs checkpoints: one line, in the form of golang.org/x/mod/sumdb/note.
func NewSigningKey() ([]byte, error) {
	private, _, err := note.GenerateKey(rand.Reader, origin)
	return []byte(private), err
}

// PublicKey returns the key that verifies what a signing key signs, in the form of package note.
func PublicKey(signingKey string) (string, error) {
	name, rest, ok := strings.Cut(strings.TrimPrefix(signingKey, "PRIVATE+KEY+"), "+")
	if _, err := note.NewSigner(signingKey); err != nil || !ok {
		return "", errSigningKey
	}
	_, encoded, _ := strings.Cut(rest, "+")
	key, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || len(key) != 1+ed25519.SeedSize {
		return "", errSigningKey
	}
	public := ed25519.NewKeyFromSeed(key[1:]).Public().(ed25519.PublicKey) //nolint:forcetypeassert // always of this type
	return note.NewEd25519VerifierKey(name, public)
}

var errSigningKey = errors.New("it is no key that signs checkpoints (PRIVATE+KEY+name+hash+key): barong serve makes one in its data directory")

// NewSigner parses a signing key. Its error never contains the key.
func NewSigner(signingKey string) (note.Signer, error) {
	signer, err := note.NewSigner(strings.TrimSpace(signingKey))
	if err != nil {
		return nil, errSigningKey
	}
	return signer, nil
}

// Sign returns the checkpoint as a signed note.
func (c Checkpoint) Sign(signer note.Signer) (string, error) {
	c.Origin = signer.Name()
	signed, err := note.Sign(&note.Note{Text: c.text()}, signer)
	return string(signed), err
}

func (c Checkpoint) text() string {
	return fmt.Sprintf("%s\n%d\n%s\nepoch %d\ntime %s\n", c.Origin, c.Size, c.Root, c.Epoch, c.Time.UTC().Format(time.RFC3339))
}

// OpenCheckpoint verifies and parses a signed checkpoint. Without a key that signed it the error is an
// *note.UnverifiedNoteError, and the checkpoint is what the note says.
func OpenCheckpoint(signed string, keys ...note.Verifier) (Checkpoint, error) {
	opened, err := note.Open([]byte(signed), note.VerifierList(keys...))
	var unverified *note.UnverifiedNoteError
	if errors.As(err, &unverified) {
		opened = unverified.Note
	} else if err != nil {
		return Checkpoint{}, fmt.Errorf("it is no checkpoint: %w", err)
	}
	c, failure := parseCheckpoint(opened.Text)
	if failure != nil {
		return Checkpoint{}, failure
	}
	return c, err
}

func parseCheckpoint(text string) (c Checkpoint, err error) {
	lines := strings.Split(text, "\n")
	if len(lines) < 5 {
		return c, errors.New("it is no checkpoint: it has too few lines")
	}
	c.Origin = lines[0]
	sizeErr, rootErr := error(nil), error(nil)
	c.Size, sizeErr = strconv.ParseInt(lines[1], 10, 64)
	c.Root, rootErr = tlog.ParseHash(lines[2])
	epoch, hasEpoch := strings.CutPrefix(lines[3], "epoch ")
	at, hasTime := strings.CutPrefix(lines[4], "time ")
	number, epochErr := strconv.Atoi(epoch)
	c.Epoch = number
	signed, timeErr := time.Parse(time.RFC3339, at)
	c.Time = signed
	if err := errors.Join(sizeErr, rootErr, epochErr, timeErr); err != nil || !hasEpoch || !hasTime || c.Size < 0 {
		return c, fmt.Errorf("it is no checkpoint: %w", errors.Join(err, errors.New("its lines are origin, size, root, epoch and time")))
	}
	return c, nil
}

// After reports whether the checkpoint is of a later epoch, or of a larger tree of the same epoch.
func (c Checkpoint) After(other Checkpoint) bool {
	return c.Epoch > other.Epoch || c.Epoch == other.Epoch && c.Size > other.Size
}
