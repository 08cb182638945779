package repository

import (
	"context"
	"time"

	"github.com/maypok86/otter/v2"
	"golang.org/x/sync/singleflight"
)

const (
	// A total up to this is never kept: counting as many rows of an index takes a
	// fraction of a millisecond.
	exactCountLimit = 500
	// A total is kept for this many times what it took to count, so that counting
	// takes at most a hundredth of the database's time; but not for longer than
	// longestKept.
	keptPerCost = 100
	longestKept = time.Minute
	// The lists of which something is kept.
	keptTotals = 1000
	// How long a count may take whose first asker need not wait for it: others do.
	countTimeout = time.Minute
)

// total is what is kept of how many users a list has.
type total struct {
	users int64
	small bool // so few that they are counted with each page; users is how many there were
	keep  time.Duration
}

// totals keeps how many users the lists with a filter have. The list of all
// users is not among them: its total is exact (counts.go).
type totals struct {
	kept     *otter.Cache[listQuery, total]
	counting singleflight.Group
}

func newTotals() *totals {
	return &totals{kept: otter.Must(&otter.Options[listQuery, total]{
		MaximumSize:      keptTotals,
		ExpiryCalculator: otter.ExpiryWritingFunc(func(entry otter.Entry[listQuery, total]) time.Duration { return entry.Value.keep }),
	})}
}

// of returns what is kept of a list, or counts. Of many that ask at once one
// counts, and who gives up takes nothing from the others.
func (t *totals) of(ctx context.Context, l listQuery, count func(context.Context) (int64, error)) (total, error) {
	if known, ok := t.kept.GetIfPresent(l); ok {
		return known, nil
	}
	counted := t.counting.DoChan(l.String(), func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), countTimeout)
		defer cancel()
		begin := time.Now()
		users, err := count(ctx)
		if err != nil {
			return total{}, err
		}
		known := total{users: users, small: users <= exactCountLimit, keep: min(keptPerCost*time.Since(begin), longestKept)}
		if known.small {
			known.keep = longestKept // what is kept is that it is small
		}
		t.kept.Set(l, known)
		return known, nil
	})
	select {
	case result := <-counted:
		known, _ := result.Val.(total)
		return known, result.Err
	case <-ctx.Done():
		return total{}, ctx.Err()
	}
}

// invalidateIfLarge forgets that a list is small once it is not.
func (t *totals) invalidateIfLarge(l listQuery, users int64) {
	if users > exactCountLimit {
		t.kept.Invalidate(l)
	}
}
