package repository

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	sq "github.com/Masterminds/squirrel"
	"github.com/jackc/pgx/v5"

	"barong/internal/journal"
)

// SealingPass is the largest number of rows of the inbox that one pass of Seal moves. It bounds the
// memory of a pass.
const SealingPass = 10_000

// JournalHead is the state of the sealed journal.
type JournalHead struct {
	Size     int64     // number of rows ever sealed, which is the number of the last one
	Pruned   int64     // rows up to this number may be gone
	Epoch    int       // counts up with each fork
	SealedAt time.Time // by the clock of the database, never before that of the last row
}

func (h *JournalHead) targets() []any { return []any{&h.Size, &h.Pruned, &h.Epoch, &h.SealedAt} }

// ErrForked is reported where the journal is shorter than it has been: the database has lost commits, or
// somebody has cut the journal.
var ErrForked = errors.New("the journal is shorter than it was")

// headOf selects the head of the journal, and the time for rows that are sealed now.
func headOf() sq.SelectBuilder {
	return sq.Select(qualified("h", headTable.size, headTable.pruned, headTable.epoch)...).
		Column("GREATEST(clock_timestamp(), h." + headTable.sealedAt + ")").From(aliased(headTable.name, "h"))
}

// ofInbox are the columns of a row of the inbox.
var ofInbox = []string{inboxTable.id, inboxTable.entry, inboxTable.uid, inboxTable.record, inboxTable.salt, inboxTable.changed}

func unsealedTargets(u *journal.Unsealed) []any {
	return []any{&u.ID, &u.Entry, &u.UID, &u.Record, &u.Salt, &u.Changed}
}

var (
	selectHead     = compile(headOf())
	lockHead       = compile(headOf().Suffix(forHead))
	lockHeadIfFree = compile(headOf().Suffix(forFreeHead))

	// avoidSequentialScans holds for the transaction. Between two vacuums most pages of the inbox have
	// dead rows only, which no statistics show: only the index leads past them. A table without a fitting
	// index gets a plan of such a cost that Postgres would compile it, for tens of milliseconds.
	avoidSequentialScans = compile(sq.Select("set_config('enable_seqscan', 'off', true)", "set_config('jit', 'off', true)"))

	// selectUnsealed begins at the end that has no dead rows.
	selectUnsealed = compile(sq.Select(inboxTable.id).From(inboxTable.name).OrderBy(inboxTable.id + " DESC").Limit(1))

	takeUnsealed = compile(sq.Delete(inboxTable.name).
			Where(atPlacesOf(sq.Select("ctid").From(inboxTable.name).OrderBy(inboxTable.id).Limit(SealingPass))).
			Suffix(returning(ofInbox...)))

	moveHead = compile(sq.Update(headTable.name).Set(headTable.size, arg("size")).Set(headTable.sealedAt, arg("sealed at")).Set(headTable.epoch, arg("epoch")).
			Where(headTable.size+" = ?", arg("from")))
)

// JournalHead returns the state of the sealed journal.
func (r *Repository) JournalHead(ctx context.Context) (JournalHead, error) {
	return one(ctx, r, selectHead, args{}, (*JournalHead).targets)
}

// Seal moves the first rows of the inbox to the journal, in one transaction, and gives them consecutive
// numbers. It returns the head afterwards and how many rows of the inbox it has moved; fewer than
// SealingPass mean that the inbox is empty, or that another server is sealing. A journal that is shorter
// than atLeast, in the same epoch or an earlier one, is ErrForked, and nothing is moved.
func (r *Repository) Seal(ctx context.Context, atLeast JournalHead) (head JournalHead, moved int, err error) {
	err = r.InTx(ctx, func(tx *Repository) error {
		if _, err := tx.exec(ctx, avoidSequentialScans, args{}); err != nil {
			return err
		}
		waiting, err := all(ctx, tx, selectUnsealed, args{}, single[int64])
		if err != nil {
			return err
		}
		lock := lockHeadIfFree
		if len(waiting) == 0 {
			lock = selectHead
		}
		found, err := all(ctx, tx, lock, args{}, (*JournalHead).targets)
		if err != nil || len(found) == 0 {
			head, moved = atLeast, 0
			return err
		}
		head, moved = found[0], 0
		if head.Epoch < atLeast.Epoch || head.Epoch == atLeast.Epoch && head.Size < atLeast.Size {
			return fmt.Errorf("%w: it has %d rows in epoch %d, and had %d in epoch %d", ErrForked, head.Size, head.Epoch, atLeast.Size, atLeast.Epoch)
		}
		if len(waiting) == 0 {
			return nil
		}
		inbox, err := tx.takeUnsealed(ctx)
		if err != nil {
			return err
		}
		moved = len(inbox)
		rows, err := journal.SealedOf(inbox)
		if err != nil {
			return err
		}
		return tx.appendSealed(ctx, &head, head.Epoch, rows)
	})
	return head, moved, err
}

func (r *Repository) takeUnsealed(ctx context.Context) ([]journal.Unsealed, error) {
	taken, err := all(ctx, r, takeUnsealed, args{}, unsealedTargets)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(taken, func(a, b journal.Unsealed) int { return int(a.ID - b.ID) })
	return taken, nil
}

// appendSealed appends rows to the journal, whose head is locked, and sets the head.
func (r *Repository) appendSealed(ctx context.Context, head *JournalHead, epoch int, rows []journal.Sealed) error {
	edge, err := r.JournalTiles(ctx, journal.Edge(head.Size))
	if err != nil {
		return err
	}
	tree, err := journal.OpenTree(head.Size, edge)
	if err != nil {
		return err
	}
	for i := range rows {
		rows[i].Seq, rows[i].SealedAt = head.Size+int64(i)+1, head.SealedAt
		hash, err := rows[i].Hash()
		if err != nil {
			return err
		}
		tree.Append(hash)
	}
	err = r.copy(ctx, journalTable.name, sealedRowColumns.names(), pgx.CopyFromSlice(len(rows), func(i int) ([]any, error) {
		return sealedRowColumns.appendValues(make([]any, 0, len(sealedRowColumns)), &rows[i]), nil
	}))
	if err != nil {
		return err
	}
	if err := r.putTiles(ctx, tree.Changed()); err != nil {
		return err
	}
	moved, err := r.exec(ctx, moveHead, args{"size": tree.Size(), "sealed at": head.SealedAt, "epoch": epoch, "from": head.Size})
	if err == nil && moved != 1 {
		err = errors.New("the head of the journal was moved by another transaction")
	}
	head.Size, head.Epoch = tree.Size(), epoch
	return err
}
