package repository

import (
	"context"

	"golang.org/x/mod/sumdb/tlog"

	"barong/internal/journal"
)

// JournalReader reads the hashes of the journal's tree from its tiles, for proofs.
func (r *Repository) JournalReader(ctx context.Context) tlog.HashReader {
	return journal.Reader(func(wanted []journal.Tile) ([]journal.Tile, error) { return r.JournalTiles(ctx, wanted) })
}

// Fork opens the next epoch of the journal: its first row says at which size and root the tree goes on,
// and why. lost is the newest checkpoint that is known; the new epoch is after its one.
func (r *Repository) Fork(ctx context.Context, reason string, lost journal.Checkpoint, record *journal.Record) (row journal.Sealed, err error) {
	err = r.InTx(ctx, func(tx *Repository) error {
		head, err := one(ctx, tx, lockHead, args{}, (*JournalHead).targets)
		if err != nil {
			return err
		}
		root, err := tlog.TreeHash(head.Size, tx.JournalReader(ctx))
		if err != nil {
			return err
		}
		fork := journal.Fork{Epoch: max(head.Epoch, lost.Epoch) + 1, Size: head.Size, Root: root.String(), Reason: reason}
		if lost.Size > 0 {
			fork.LostSize, fork.LostRoot = lost.Size, lost.Root.String()
		}
		rows, err := journal.ForkRow(record, fork)
		if err != nil {
			return err
		}
		err = tx.appendSealed(ctx, &head, fork.Epoch, rows)
		row = rows[0]
		return err
	})
	return row, err
}
