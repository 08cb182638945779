package journal

import (
	"errors"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Guards that a checkpoint says what was signed, and that a changed one does not verify.
func TestCheckpointIsASignedNote(t *testing.T) {
	t.Parallel()
	made, err := NewSigningKey()
	if err != nil {
		t.Fatal(err)
	}
	key := string(made)
	public, err := PublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := note.NewVerifier(public)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := NewSigner(key + "\n")
	if err != nil {
		t.Fatal(err)
	}
	said := Checkpoint{Size: 17, Root: tlog.RecordHash([]byte("x")), Epoch: 2, Time: time.Date(2026, 11, 30, 7, 0, 0, 0, time.UTC)}
	signed, err := said.Sign(signer)
	if err != nil {
		t.Fatal(err)
	}
	said.Origin = origin
	if opened, err := OpenCheckpoint(signed, verifier); err != nil || opened != said {
		t.Errorf("%+v, %v", opened, err)
	}
	var unverified *note.UnverifiedNoteError
	if opened, err := OpenCheckpoint(signed); !errors.As(err, &unverified) || opened != said {
		t.Errorf("without a key: %+v, %v", opened, err)
	}
	for _, forged := range []string{strings.Replace(signed, "\n17\n", "\n18\n", 1), strings.Replace(signed, "epoch 2", "epoch 1", 1), "", "a\nb\n\n"} {
		if _, err := OpenCheckpoint(forged, verifier); err == nil {
			t.Errorf("%q verifies", forged)
		}
	}
	if _, err := NewSigner("PRIVATE+KEY+secret"); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("the error of a bad key is %v", err)
	}
	if !said.After(Checkpoint{Epoch: 1, Size: 100}) || said.After(Checkpoint{Epoch: 2, Size: 17}) {
		t.Error("the order of checkpoints is not by epoch and size")
	}
}
