package cli

import (
	"encoding/json"
	"fmt"
	"os"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"barong/internal/journal"
)

// check checks a printed proof. A proof that does not hold is refused.
func (c journalProveCommand) check(p *program) error {
	if c.Key == "" {
		return usagef("--check needs --key: the key that verifies checkpoints")
	}
	key, err := note.NewVerifier(c.Key)
	if err != nil {
		return usagef("--key: %s", err)
	}
	text, err := os.ReadFile(c.Check)
	if err != nil {
		return err
	}
	var proof inclusionProof
	if err := json.Unmarshal(text, &proof); err != nil {
		return fmt.Errorf("%s is no proof: %w", c.Check, err)
	}
	checkpoint, err := journal.OpenCheckpoint(proof.Checkpoint, key)
	if err == nil {
		err = tlog.CheckRecord(proof.Hashes, checkpoint.Size, checkpoint.Root, proof.Seq-1, tlog.RecordHash([]byte(proof.Leaf)))
	}
	if err != nil {
		fmt.Fprintf(p.stdout, "the proof does not hold: %s\n", err)
		return errRefused
	}
	_, err = fmt.Fprintf(p.stdout, "row %d is in the journal of %d rows that %s signed at %s\n%s\n",
		proof.Seq, checkpoint.Size, checkpoint.Origin, timestamp(checkpoint.Time), proof.Leaf)
	return err
}
