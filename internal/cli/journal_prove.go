package cli

import (
	"context"
	"encoding/json"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"barong/internal/app"
	"barong/internal/journal"
	"barong/repository"
)

type journalProveCommand struct {
	Seq   int64  `arg:"" optional:"" help:"The number of the row."`
	Check string `placeholder:"FILE" help:"Check a proof that this command has printed instead, without a database."`
	Key   string `placeholder:"KEY" help:"With --check: the key that verifies checkpoints, as checkpoint --key prints it."`
}

func (journalProveCommand) Help() string {
	return `The proof is JSON: the row's leaf, the hashes beside it in the Merkle tree (RFC 6962), and the signed checkpoint whose root they lead to.
With --check it is checked without the database: against the signature of the checkpoint, by a key that was kept elsewhere.

Example:
  barong journal prove 17 > row17.json
  barong journal prove --check row17.json --key barong-journal+1b8e5a2d+AQ…`
}

// inclusionProof is a proof that a row is in the tree of a checkpoint.
type inclusionProof struct {
	Leaf       string      `json:"leaf"`
	Seq        int64       `json:"seq"`
	Hashes     []tlog.Hash `json:"hashes"`
	Checkpoint string      `json:"checkpoint"`
}

func (c journalProveCommand) Run(p *program) error {
	if c.Check != "" {
		return c.check(p)
	}
	if c.Seq < 1 {
		return usagef("give the number of a row, or --check with a proof")
	}
	return withApp(p, func(ctx context.Context, a *app.App) error {
		proof, err := prove(ctx, a.Repo, c.Seq)
		if err != nil {
			return err
		}
		text, err := json.Marshal(proof)
		if err != nil {
			return err
		}
		return printJSON(p.stdout, text)
	})
}

func prove(ctx context.Context, repo *repository.Repository, seq int64) (proof inclusionProof, err error) {
	newest, err := repo.NewestCheckpoint(ctx)
	switch {
	case err != nil:
		return proof, err
	case newest == nil:
		return proof, errNoCheckpoint
	case newest.Size < seq:
		return proof, fmt.Errorf("the newest checkpoint has %d rows: the next one, within a minute, has row %d if there is one", newest.Size, seq)
	}
	row, err := oneSealed(ctx, repo, seq)
	if err != nil {
		return proof, err
	}
	leaf, err := row.Leaf()
	if err != nil {
		return proof, err
	}
	hashes, err := tlog.ProveRecord(newest.Size, seq-1, repo.JournalReader(ctx))
	return inclusionProof{Leaf: string(leaf), Seq: seq, Hashes: hashes, Checkpoint: newest.Note}, err
}

// oneSealed returns the row with a number.
func oneSealed(ctx context.Context, repo *repository.Repository, seq int64) (journal.Sealed, error) {
	rows, err := repo.SealedAfter(ctx, seq-1, 1)
	if err != nil {
		return journal.Sealed{}, err
	}
	if len(rows) == 0 || rows[0].Seq != seq {
		return journal.Sealed{}, fmt.Errorf("the journal has no row %d", seq)
	}
	return rows[0], nil
}
