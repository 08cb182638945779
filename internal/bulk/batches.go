package bulk

import (
	"context"
	"errors"
	"slices"

	"barong/internal/journal"
	"barong/internal/problem"
	"barong/repository"
)

// maxFailures limits how often a batch is retried after the database was unavailable. A batch with
// a conflict is retried without a limit: each time validation rejects at least the conflicting row.
const maxFailures = 5

// errPreviousFailed ends a batch whose predecessor was not stored.
var errPreviousFailed = errors.New("the batch before was not stored")

// pendingBatch is a batch that is being stored.
type pendingBatch struct {
	batch   *batch
	outcome outcome
	seen    *batchSeen
	to      repository.ImportRun
	done    chan struct{} // closed when err is final
	err     error
}

// storeAll stores the batches in order. While the database writes one batch, the next one is
// validated and written concurrently; it is committed after the previous one.
func (i *importing) storeAll(ctx context.Context, batches <-chan *batch) error {
	var before *pendingBatch
	for b := range batches {
		select {
		case <-b.checked:
		case <-ctx.Done():
			return ctx.Err()
		}
		if before != nil && before.mustPrecede(b) {
			if err := i.await(ctx, before); err != nil {
				return err
			}
			before = nil
		}
		next, err := i.start(ctx, b, before)
		if err != nil {
			return err
		}
		if before != nil {
			if err := i.await(ctx, before); err != nil {
				return err
			}
		}
		before = next
	}
	if before == nil || ctx.Err() != nil {
		return ctx.Err()
	}
	return i.await(ctx, before)
}

// start begins to store a batch.
func (i *importing) start(ctx context.Context, b *batch, before *pendingBatch) (*pendingBatch, error) {
	from, previousDone := i.Run, func() error { return nil }
	f := &pendingBatch{batch: b, done: make(chan struct{}), seen: newBatchSeen(i.seen)}
	if before != nil {
		from = before.to
		f.seen.flying = before.seen.keys
		previousDone = func() error {
			select {
			case <-before.done:
				if before.err != nil {
					return errPreviousFailed
				}
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	done, err := i.validateBatch(ctx, b, from.Position, f.seen)
	if err != nil {
		return nil, err
	}
	if err := i.advance(f, from, done); err != nil {
		return nil, err
	}
	if i.DryRun {
		close(f.done)
		return f, nil
	}
	// The ids follow the order of the input; concurrent writes do not keep that order.
	ids, err := i.Repo.ReserveUserIDs(ctx, len(done.accepted))
	if err != nil {
		return nil, err
	}
	stored, err := i.importBatch(&done, ids)
	if err != nil {
		return nil, err
	}
	stored.Recorded = b.recorded(i.Run.Name)
	repo := i.Repo.Recorded(i.Record())
	i.flights.Go(func() {
		defer close(f.done)
		if len(stored.Changed) > 0 {
			// A row whose e-mail changes is locked against references, which the previous batch may add.
			if f.err = previousDone(); f.err != nil {
				return
			}
		}
		f.err = repo.ImportUsers(ctx, stored, from, f.to, previousDone)
	})
	return f, nil
}

// recorded is the batch as the journal has it, of a run with a name.
func (b *batch) recorded(run string) journal.Batch {
	recorded := journal.Batch{Name: run, Digest: b.digest}
	if len(b.rows) > 0 {
		recorded.First, recorded.Last = b.rows[0].line, b.rows[len(b.rows)-1].line
	}
	return recorded
}

// advance sets the progress behind a batch. It writes rejected rows and findings before the commit,
// so that the files contain everything that the run counts.
func (i *importing) advance(f *pendingBatch, from repository.ImportRun, done outcome) (err error) {
	f.outcome, f.to = done, from
	f.to.Position, f.to.Line, f.to.UpdatedAt = f.batch.position, f.batch.line, i.Clock().UTC()
	f.to.Imported += int64(len(done.accepted))
	f.to.Refused += int64(len(done.refused))
	if f.batch.last {
		f.to.FinishedAt = &f.to.UpdatedAt
	}
	if f.to.RefusedSize, err = i.refused.writeRefused(from.RefusedSize, done.refused, i.header); err != nil {
		return err
	}
	f.to.Findings, err = i.summarize(from, done)
	return err
}

// await waits until a batch is stored. It validates and starts a batch again after a conflict, or
// after its predecessor failed.
func (i *importing) await(ctx context.Context, f *pendingBatch) error {
	for failures := 0; ; {
		<-f.done
		switch {
		case f.err == nil:
			i.Run = f.to
			i.report(f.outcome.refused)
			return nil
		case (problem.KindOf(f.err) == problem.Unavailable || errors.Is(f.err, errChangedMeanwhile)) && failures < maxFailures:
			failures++
		case problem.KindOf(f.err) != problem.InvalidRecord && !errors.Is(f.err, errPreviousFailed):
			return f.err
		}
		again, err := i.start(ctx, f.batch, nil)
		if err != nil {
			return err
		}
		f = again
	}
}

// mustPrecede reports whether this batch must be committed before b is validated. The lookup of b
// must find referrers of its rows, and must not find values that users give up.
func (f *pendingBatch) mustPrecede(b *batch) bool {
	return len(f.outcome.changed) > 0 || slices.ContainsFunc(b.rows, func(r *row) bool {
		return r.user.ReferralUID != nil && f.seen.hasOwn('u', *r.user.ReferralUID)
	})
}

func (i *importing) report(refused []*row) {
	list := make([]RejectedRow, len(refused))
	for n, r := range refused {
		list[n] = RejectedRow{Line: r.line, UID: r.givenUID(), Sentences: r.sentences}
	}
	i.Report(i.Run, list)
}
