package events

import (
	"context"
	"iter"

	"barong/internal/journal"
)

// Journal reads sealed rows; repository.Repository is one.
type Journal interface {
	// JournalAfter returns up to limit rows with numbers above after, in order.
	JournalAfter(ctx context.Context, after int64, limit int) ([]journal.Row, error)
}

// batch is the number of rows that are read at a time: a row has 1 to 20 kB.
const batch = 256

// Rows yields the sealed rows with numbers above after, in order, and ends with the last one that there is
// now. It holds one batch of rows at a time. An error is the last thing that it yields.
func Rows(ctx context.Context, source Journal, after int64) iter.Seq2[*journal.Row, error] {
	return func(yield func(*journal.Row, error) bool) {
		for {
			rows, err := source.JournalAfter(ctx, after, batch)
			if err != nil {
				yield(nil, err)
				return
			}
			for i := range rows {
				if !yield(&rows[i], nil) {
					return
				}
				after = rows[i].Seq
			}
			if len(rows) < batch {
				return
			}
		}
	}
}
