package app

import (
	"context"
	"time"

	"barong/internal/journal"
	"barong/repository"
)

// PruneBefore returns the first moment that a journal of this many whole months, besides the current one,
// keeps. Months are those of UTC.
func PruneBefore(now time.Time, months int) time.Time {
	now = now.UTC()
	return time.Date(now.Year(), now.Month()-time.Month(months), 1, 0, 0, 0, 0, time.UTC)
}

// PruneJournal removes the rows of the journal that were sealed before a time and that every receiver of
// events has passed. It returns the number up to which rows are gone, and the receiver that held rows
// back; nil where none did.
func PruneJournal(ctx context.Context, repo *repository.Repository, before time.Time, removed func(rows int64)) (last int64, slowest *repository.EventCursor, err error) {
	last, slowest, err = repo.Prunable(ctx, before)
	if err != nil {
		return 0, nil, err
	}
	record := journal.NewCommand("journal prune")
	return last, slowest, repo.Prune(ctx, last, record, removed)
}

// prune removes the rows that BARONG_JOURNAL_KEEP does not keep.
func (s *sealer) prune(ctx context.Context) {
	now := s.now()
	if s.settings.JournalKeep == 0 || s.forked || now.Before(s.due.prune) {
		return
	}
	s.due.prune = now.Add(pruneInterval)
	var rows int64
	last, slowest, err := PruneJournal(ctx, s.repo, PruneBefore(now, s.settings.JournalKeep), func(n int64) { rows += n })
	switch {
	case err != nil:
		s.log.Warn("the journal was not pruned", "error", err)
	case slowest != nil:
		s.log.Warn("the journal keeps rows that a receiver of events has not passed", "sink", slowest.Sink, "seq", slowest.Seq)
	}
	if rows > 0 {
		s.log.Info("journal pruned", "rows", rows, "up_to", last)
	}
}
