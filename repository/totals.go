package repository

import (
	"context"
	"time"

	"github.com/maypok86/otter/v2"
	"golang.org/x/sync/singleflight"
)

const (
	// exactCountLimit is the largest total that is not cached: counting that many rows of an index
	// takes a fraction of a millisecond.
	exactCountLimit = 500
	// keptPerCost times the duration of a count is how long its total is cached, so that counting
	// takes at most a hundredth of the database's time. longestKept is the maximum.
	keptPerCost = 100
	longestKept = time.Minute
	// keptTotals is the number of lists in the cache.
	keptTotals = 1000
	// countTimeout limits a count, which may outlast the request that started it: other requests
	// may wait for the same count.
	countTimeout = time.Minute
)

// total is the cached number of users in a list.
type total struct {
	users int64
	small bool // the list is small enough to be counted with each page; users is the number at the last count
	keep  time.Duration
}

// totals caches the number of users in filtered lists. The list of all users is not among them: its
// total is exact (counts.go).
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

// of returns the cached total of a list, or counts. Concurrent callers share one count, and a
// caller that gives up does not cancel it for the others.
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
			known.keep = longestKept // the cached fact is that the list is small
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

// invalidateIfLarge removes the entry of a small list that has grown large.
func (t *totals) invalidateIfLarge(l listQuery, users int64) {
	if users > exactCountLimit {
		t.kept.Invalidate(l)
	}
}
