package webhooks

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"

	"barong/internal/events"
	"barong/internal/identity"
	"barong/repository"
)

// errFailed is the error of a job whose attempt failed and that the queue repeats.
var errFailed = errors.New("the endpoint did not take the event")

// whileDisabled is how long a single event waits before it is tried again.
const whileDisabled = 5 * time.Minute

// single sends one event again. The last failure makes it a dead letter; success removes the dead letter
// that it was.
func (d *Delivery) single(ctx context.Context, args singleArgs, attempts int) (wait time.Duration, err error) {
	to, pause, err := d.inForce(ctx, args.Endpoint)
	if err != nil {
		return 0, err
	}
	if to == nil {
		return whileDisabled, nil
	}
	if pause > 0 {
		return pause, nil
	}
	event, err := d.find(ctx, args)
	if err != nil || event == nil {
		return 0, err
	}
	result, disabled, err := d.attempt(ctx, to, event, true)
	switch {
	case err != nil:
		return 0, err
	case result.ok():
		if err := d.repo.DropDeadEvent(ctx, args.Endpoint, args.Seq, args.Index); !errors.Is(err, identity.ErrRecordNotFound) {
			return 0, err
		}
		return 0, nil
	case disabled:
		return whileDisabled, nil
	case attempts >= len(schedule):
		return 0, d.repo.AddDeadEvent(ctx, deadEvent(args.Endpoint, event, result, d.clock()))
	}
	return 0, errFailed
}

// find returns an event by its place in the journal, or nil where its row is gone.
func (d *Delivery) find(ctx context.Context, args singleArgs) (*events.Event, error) {
	rows, err := d.repo.JournalOfUser(ctx, args.UID, args.Seq-1, args.Seq, 1)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	found, err := events.Of(&rows[0])
	if err != nil || args.Index >= len(found) {
		return nil, err
	}
	return &found[args.Index], nil
}

// replayBatch is the number of jobs that are inserted at a time.
const replayBatch = 1000

// Replay sends events again to an endpoint, out of order, with their identifiers, and marked by a header.
// Events that already wait for it are not sent twice. It returns the number of events that now wait.
func Replay(ctx context.Context, pool *pgxpool.Pool, log *slog.Logger, endpoint string, list iter.Seq2[*events.Event, error]) (int, error) {
	if err := makeSchema(ctx, pool, log); err != nil {
		return 0, err
	}
	queue, err := newQueue(pool, log, nil)
	if err != nil {
		return 0, err
	}
	queued := 0
	batch := make([]river.InsertManyParams, 0, replayBatch)
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		_, err := queue.InsertMany(ctx, batch)
		queued += len(batch)
		batch = batch[:0]
		return err
	}
	for event, err := range list {
		if err != nil {
			return queued, err
		}
		batch = append(batch, river.InsertManyParams{Args: singleArgs{Endpoint: endpoint, UID: event.UID, Seq: event.Seq, Index: event.Index}})
		if len(batch) == replayBatch {
			if err := flush(); err != nil {
				return queued, fmt.Errorf("the events cannot be queued: %w", err)
			}
		}
	}
	return queued, flush()
}

// RetryDead sends the dead events of an endpoint again, and returns how many there are. They remain dead
// letters until they are delivered.
func RetryDead(ctx context.Context, pool *pgxpool.Pool, repo *repository.Repository, log *slog.Logger, endpoint string) (int, error) {
	return Replay(ctx, pool, log, endpoint, func(yield func(*events.Event, error) bool) {
		for dead, err := range Dead(ctx, repo, endpoint) {
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(&events.Event{UID: dead.UID, Seq: dead.Seq, Index: dead.Index}, nil) {
				return
			}
		}
	})
}

// Dead yields the dead events of an endpoint, in the order of the journal.
func Dead(ctx context.Context, repo *repository.Repository, endpoint string) iter.Seq2[*repository.DeadEvent, error] {
	return func(yield func(*repository.DeadEvent, error) bool) {
		seq, index := int64(0), -1
		for {
			page, err := repo.DeadEvents(ctx, endpoint, seq, index, replayBatch)
			if err != nil {
				yield(nil, err)
				return
			}
			for i := range page {
				if !yield(&page[i], nil) {
					return
				}
				seq, index = page[i].Seq, page[i].Index
			}
			if len(page) < replayBatch {
				return
			}
		}
	}
}
