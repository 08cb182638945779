package cli

import (
	"context"
	"errors"
	"fmt"

	"barong/internal/app"
	"barong/internal/checkpoints"
	"barong/internal/journal"
)

type journalCheckpointCommand struct {
	Print  journalCheckpointPrintCommand  `cmd:"" default:"withargs" help:"Print the newest checkpoint."`
	Export journalCheckpointExportCommand `cmd:"" help:"Write all checkpoints to a folder or store."`
}

type journalCheckpointPrintCommand struct {
	Key bool `help:"Print the key that verifies checkpoints instead."`
}

func (journalCheckpointPrintCommand) Help() string {
	return `A checkpoint is a signed note (golang.org/x/mod/sumdb/note): size and root of the Merkle tree, epoch and time. Kept elsewhere, it proves
that no row up to then was changed since. The admin listener has it too, under /journal/checkpoint.

Example:
  barong journal checkpoint
  barong journal checkpoint --key`
}

var errNoCheckpoint = errors.New("the journal has no checkpoint yet: barong serve signs one within a minute of the first write")

func (c journalCheckpointPrintCommand) Run(p *program) error {
	return withApp(p, func(ctx context.Context, a *app.App) error {
		if c.Key {
			key, err := a.JournalPublicKey()
			if err == nil {
				_, err = fmt.Fprintln(p.stdout, key)
			}
			return err
		}
		newest, err := a.Repo.NewestCheckpoint(ctx)
		if err == nil && newest == nil {
			err = errNoCheckpoint
		}
		if err != nil {
			return err
		}
		_, err = fmt.Fprint(p.stdout, newest.Note)
		return err
	})
}

type journalCheckpointExportCommand struct {
	To string `arg:"" placeholder:"DIR|URL" help:"A folder, or the URL of a store."`
}

func (journalCheckpointExportCommand) Help() string {
	return `Writes every checkpoint of the database as a file of its own, in a folder for each day; those that are there are written again.

Example:
  barong journal checkpoint export /mnt/worm/checkpoints`
}

func (c journalCheckpointExportCommand) Run(p *program) error {
	return withApp(p, func(ctx context.Context, a *app.App) error {
		store, err := checkpoints.Open(ctx, "TO", c.To)
		if err != nil {
			return err
		}
		defer store.Close() //nolint:errcheck // every checkpoint is stored by then
		written, epoch, size := 0, 0, int64(0)
		for {
			page, err := a.Repo.CheckpointsAfter(ctx, epoch, size, checkpointsPage)
			if err != nil {
				return err
			}
			if len(page) == 0 {
				_, err = fmt.Fprintf(p.stdout, "%d checkpoints written\n", written)
				return err
			}
			for _, stored := range page {
				at := journal.Checkpoint{Epoch: stored.Epoch, Size: stored.Size, Time: stored.SignedAt}
				if err := store.Put(ctx, at, stored.Note); err != nil {
					return err
				}
				written, epoch, size = written+1, stored.Epoch, stored.Size
			}
		}
	})
}
