package webhooks

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"barong/internal/events"
	"barong/internal/webhooks/endpoints"
	"barong/repository"
)

// Intervals of a dispatcher.
const (
	dispatchInterval = 500 * time.Millisecond
	otherHolder      = 2 * time.Second // between two tries to get the lease
	renewJobs        = 10 * time.Minute
	dispatchBatch    = 256 // rows of the journal, and lanes, at a time
	countInterval    = 15 * time.Second
)

// dispatcher makes the lanes and the jobs of one endpoint's events.
type dispatcher struct {
	service  *Service
	name     string
	holds    bool // the lease
	renewed  time.Time
	disabled bool
}

// run dispatches until ctx ends, and then gives the lease to another server.
func (d *dispatcher) run(ctx context.Context) {
	sink := endpoints.Sink(d.name)
	defer func() {
		if d.holds {
			ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
			defer cancel()
			_ = d.service.repo.ReleaseEventCursor(ending, sink, d.service.holder) // else the lease ends by itself
		}
	}()
	d.service.metrics.open(d.name)
	failed := false
	for pause := time.Duration(0); ; {
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		err := d.round(ctx)
		pause = dispatchInterval
		if errors.Is(err, repository.ErrNotHolder) {
			d.holds, pause, err = false, otherHolder, nil
		}
		if err != nil && ctx.Err() == nil {
			pause = minPause
			if !failed {
				d.service.log.Error("the events of an endpoint cannot be dispatched", "endpoint", d.name, "error", err)
			}
		}
		failed = err != nil
	}
}

// round dispatches what is in the journal now.
func (d *dispatcher) round(ctx context.Context) error {
	s := d.service
	state, err := s.repo.WebhookEndpoint(ctx, d.name)
	if err != nil {
		return err
	}
	d.show(state)
	endpoint := s.source.Endpoint(d.name)
	if state.DisabledAt != nil || endpoint == nil {
		return nil
	}
	sink := endpoints.Sink(d.name)
	seq, err := s.repo.LeaseEventCursor(ctx, sink, s.holder)
	if err != nil {
		return err
	}
	if !d.holds || time.Since(d.renewed) > renewJobs {
		if err := d.renew(ctx); err != nil {
			return err
		}
		d.holds, d.renewed = true, time.Now()
	}
	for {
		rows, err := s.repo.JournalAfter(ctx, seq, dispatchBatch)
		if err != nil || len(rows) == 0 {
			return err
		}
		lanes := map[string]repository.WebhookLane{}
		for i := range rows {
			found, err := events.Of(&rows[i])
			if err != nil {
				return err
			}
			if slices.ContainsFunc(found, func(e events.Event) bool { return endpoint.Wants(e.Type) }) {
				extend(lanes, d.name, *rows[i].UID, rows[i].Seq)
			}
			seq = rows[i].Seq
		}
		err = s.repo.InQueueTx(ctx, func(r *repository.Repository, tx pgx.Tx) error { return d.store(ctx, r, tx, lanes, seq) })
		if err != nil {
			return err
		}
	}
}

// show exports the state, and renews the jobs when an endpoint has been enabled.
func (d *dispatcher) show(state repository.WebhookEndpoint) {
	value := 0.0
	if state.DisabledAt != nil {
		value = 1
	}
	d.service.metrics.disabled.WithLabelValues(d.name).Set(value)
	if d.disabled && state.DisabledAt == nil {
		d.renewed = time.Time{}
		d.service.log.Info("a webhook endpoint is enabled", "endpoint", d.name)
	}
	d.disabled = state.DisabledAt != nil
}

func extend(lanes map[string]repository.WebhookLane, endpoint, uid string, seq int64) {
	lane, ok := lanes[uid]
	if !ok {
		lane = repository.WebhookLane{Endpoint: endpoint, UID: uid, SentSeq: seq - 1, SentIndex: repository.WholeRow}
	}
	lane.WantedSeq = seq
	lanes[uid] = lane
}

// store extends lanes, makes their jobs and moves the cursor. A lane that ends at the same time is locked:
// its job is complete before the new one is made.
func (d *dispatcher) store(ctx context.Context, r *repository.Repository, tx pgx.Tx, lanes map[string]repository.WebhookLane, seq int64) error {
	if len(lanes) > 0 {
		list := slices.SortedFunc(maps.Values(lanes), func(a, b repository.WebhookLane) int { return cmp.Compare(a.UID, b.UID) })
		if err := r.ExtendWebhookLanes(ctx, list); err != nil {
			return err
		}
		if _, err := d.service.queue.InsertManyTx(ctx, tx, jobs(list)); err != nil {
			return err
		}
	}
	return r.AdvanceEventCursor(ctx, endpoints.Sink(d.name), d.service.holder, seq)
}

func jobs(lanes []repository.WebhookLane) []river.InsertManyParams {
	list := make([]river.InsertManyParams, len(lanes))
	for i, lane := range lanes {
		list[i] = river.InsertManyParams{Args: laneArgs{Endpoint: lane.Endpoint, UID: lane.UID}}
	}
	return list
}

// renew makes the jobs of lanes that have none: they ended while the endpoint was disabled, or somebody
// removed the queue's schema.
func (d *dispatcher) renew(ctx context.Context) error {
	s := d.service
	for after := ""; ; {
		lanes, err := s.repo.WebhookLanes(ctx, d.name, after, dispatchBatch)
		if err != nil || len(lanes) == 0 {
			return err
		}
		if _, err := s.queue.InsertMany(ctx, jobs(lanes)); err != nil {
			return err
		}
		if _, err := s.repo.LeaseEventCursor(ctx, endpoints.Sink(d.name), s.holder); err != nil {
			return err
		}
		after = lanes[len(lanes)-1].UID
	}
}
