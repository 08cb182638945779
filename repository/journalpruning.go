package repository

import (
	"context"
	"time"

	sq "github.com/Masterminds/squirrel"

	"barong/internal/journal"
)

// prunedAtOnce is the number of rows that one statement of a pruning deletes.
const prunedAtOnce = 10_000

var (
	// selectSlowestCursor finds who needs the earliest row: the cursor of a webhook endpoint runs ahead of its
	// lanes and its dead letters.
	selectSlowestCursor = compile(sq.Select("who", "seq_of_who").FromSelect(unionAll(
		sq.Select(eventCursorsTable.sink+" AS who", eventCursorsTable.seq+" AS seq_of_who").From(eventCursorsTable.name),
		sq.Select(webhookLanesTable.endpoint, "min("+webhookLanesTable.sentSeq+")").From(webhookLanesTable.name).GroupBy(webhookLanesTable.endpoint),
		sq.Select(webhookDeadTable.endpoint, "min("+webhookDeadTable.seq+") - 1").From(webhookDeadTable.name).GroupBy(webhookDeadTable.endpoint),
	), "needed").OrderBy("seq_of_who").Limit(1))

	setPruned = compile(sq.Update(headTable.name).Set(headTable.pruned, arg("to")).
			Where(headTable.pruned+" < ?", arg("to")).Where(headTable.size+" > ?", arg("to")))

	deletePruned = compile(sq.Delete(journalTable.name).Where(sq.Expr(journalTable.seq+" IN (?)",
		limit(sq.Select(journalTable.seq).From(journalTable.name).Where(journalTable.seq+" <= ?", arg("to")).OrderBy(journalTable.seq)))))
)

// Prunable returns the number of the last row that was sealed before a time and that every receiver of
// events has passed; 0 where there is none. The last row of the journal always stays. slowest is the
// receiver that holds back rows of before, and nil where none does.
func (r *Repository) Prunable(ctx context.Context, before time.Time) (last int64, slowest *EventCursor, err error) {
	head, err := r.JournalHead(ctx)
	if err != nil {
		return 0, nil, err
	}
	last, err = r.JournalBefore(ctx, before)
	if err != nil {
		return 0, nil, err
	}
	last = max(min(last, head.Size-1), head.Pruned)
	cursors, err := all(ctx, r, selectSlowestCursor, args{}, func(c *EventCursor) []any { return []any{&c.Sink, &c.Seq} })
	if err == nil && len(cursors) > 0 && cursors[0].Seq < last {
		slowest, last = &cursors[0], max(cursors[0].Seq, head.Pruned)
	}
	return last, slowest, err
}

// Prune removes the rows up to a number that Prunable has returned, and those that an earlier pruning has
// left. It records that first, so a pruning that is interrupted can be told from rows that are missing. The
// tiles stay. It calls removed after each transaction with the number of rows that it has deleted.
func (r *Repository) Prune(ctx context.Context, to int64, record *journal.Record, removed func(rows int64)) error {
	err := r.InTx(ctx, func(tx *Repository) error {
		n, err := tx.exec(ctx, setPruned, args{"to": to})
		if err != nil || n == 0 {
			return err
		}
		return tx.Recorded(record).note(ctx, nil, journal.Changes{Pruned: &to})
	})
	if err != nil {
		return err
	}
	head, err := r.JournalHead(ctx)
	if err != nil {
		return err
	}
	for {
		n, err := r.exec(ctx, deletePruned, args{"to": head.Pruned, "limit": prunedAtOnce})
		if err != nil || n == 0 {
			return err
		}
		removed(n)
	}
}
