package webhooks

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"

	"barong/internal/events"
	"barong/internal/identity"
	"barong/internal/webhooks/endpoints"
	"barong/repository"
)

const (
	workers    = 16               // jobs of one endpoint at a time, on one server
	jobBudget  = 45 * time.Second // after which a job lets others work, so that it ends long before it is rescued
	rowsOfLane = 64               // rows of the journal that are read at a time
)

// Delivery delivers the events of one user at a time. Its methods are safe for concurrent use.
type Delivery struct {
	repo    *repository.Repository
	source  *endpoints.Source
	records Records
	senders *senders
	metrics *metrics
	log     *slog.Logger
	clock   func() time.Time
	random  func() float64
}

// complete ends a job in the transaction in which its lane ends.
type complete func(ctx context.Context, tx pgx.Tx) error

// inForce returns an endpoint and its sender, or nil while nothing is delivered to it. wait is how long the
// endpoint has asked to be left alone.
func (d *Delivery) inForce(ctx context.Context, name string) (to *sender, wait time.Duration, err error) {
	endpoint := d.source.Endpoint(name)
	if endpoint == nil || !endpoint.Enabled {
		return nil, 0, nil
	}
	state, err := d.repo.WebhookEndpoint(ctx, name)
	if err != nil || state.DisabledAt != nil {
		return nil, 0, err
	}
	if state.PausedUntil != nil {
		wait = max(state.PausedUntil.Sub(d.clock()), 0)
	}
	return d.senders.of(endpoint), wait, nil
}

// lane delivers the events of a user to an endpoint, in order, until none is left or one fails. It returns
// the wait before the job is to go on; 0: the job is done. While the endpoint is disabled the job ends and
// the lane stays: the dispatcher makes another job.
func (d *Delivery) lane(ctx context.Context, endpoint, uid string, end complete) (wait time.Duration, err error) {
	for started := time.Now(); ; {
		to, pause, err := d.inForce(ctx, endpoint)
		if err != nil || to == nil {
			return 0, err
		}
		lane, err := d.repo.WebhookLane(ctx, endpoint, uid)
		if errors.Is(err, identity.ErrRecordNotFound) {
			return 0, nil
		} else if err != nil {
			return 0, err
		}
		if wait := max(pause, lane.Due.Sub(d.clock())); wait > 0 {
			return wait, nil
		}
		event, err := d.next(ctx, to.endpoint, &lane)
		if err != nil {
			return 0, err
		}
		if event == nil {
			if ended, err := d.end(ctx, lane, end); ended || err != nil {
				return 0, err
			}
			continue // it was extended meanwhile
		}
		if wait, stop, err := d.step(ctx, to, lane, event); err != nil || stop || wait > 0 {
			return wait, err
		}
		if time.Since(started) > jobBudget {
			return time.Millisecond, nil
		}
	}
}

// next returns the first event of a lane that the endpoint wants, or nil.
func (d *Delivery) next(ctx context.Context, endpoint *endpoints.Endpoint, lane *repository.WebhookLane) (*events.Event, error) {
	for from := lane.SentSeq; from <= lane.WantedSeq; {
		rows, err := d.repo.JournalOfUser(ctx, lane.UID, from-1, lane.WantedSeq, rowsOfLane)
		if err != nil {
			return nil, err
		}
		for i := range rows {
			found, err := events.Of(&rows[i])
			if err != nil {
				return nil, err
			}
			for j := range found {
				sent := found[j].Seq == lane.SentSeq && found[j].Index <= lane.SentIndex
				if !sent && endpoint.Wants(found[j].Type) {
					return &found[j], nil
				}
			}
		}
		if len(rows) < rowsOfLane {
			break
		}
		from = rows[len(rows)-1].Seq + 1
	}
	return nil, nil //nolint:nilnil // no event
}

// end deletes a lane and completes its job in one transaction.
func (d *Delivery) end(ctx context.Context, lane repository.WebhookLane, end complete) (ended bool, err error) {
	err = d.repo.InQueueTx(ctx, func(r *repository.Repository, tx pgx.Tx) error {
		if ended, err = r.EndWebhookLane(ctx, lane); err != nil || !ended {
			return err
		}
		return end(ctx, tx)
	})
	return ended && err == nil, err
}

// step makes an attempt at the next event of a lane and stores the result. stop reports that the endpoint is
// now disabled.
func (d *Delivery) step(ctx context.Context, to *sender, lane repository.WebhookLane, event *events.Event) (wait time.Duration, stop bool, err error) {
	result, disabled, err := d.attempt(ctx, to, event, false)
	if err != nil || disabled {
		return 0, disabled, err
	}
	now := lane
	now.SentSeq, now.SentIndex, now.Failures, now.Due = event.Seq, event.Index, 0, time.Time{}
	if result.ok() {
		return 0, false, d.repo.MoveWebhookLane(ctx, lane, now)
	}
	wait, again := waitAfter(lane.Failures+1, d.random())
	if !again {
		return 0, false, d.bury(ctx, lane, now, event, result)
	}
	wait = max(wait, result.pause)
	now.SentSeq, now.SentIndex, now.Failures, now.Due = lane.SentSeq, lane.SentIndex, lane.Failures+1, d.clock().Add(wait)
	return wait, false, d.repo.MoveWebhookLane(ctx, lane, now)
}

// bury makes an event a dead letter, and lets the user's next event go.
func (d *Delivery) bury(ctx context.Context, was, now repository.WebhookLane, event *events.Event, last outcome) error {
	err := d.repo.InTx(ctx, func(r *repository.Repository) error {
		if err := r.AddDeadEvent(ctx, deadEvent(was.Endpoint, event, last, d.clock())); err != nil {
			return err
		}
		return r.MoveWebhookLane(ctx, was, now)
	})
	if err == nil {
		d.log.Warn("an event could not be delivered", "endpoint", was.Endpoint, "sequence", event.Seq, "type", event.Type, "outcome", last.class)
	}
	return err
}

func deadEvent(endpoint string, event *events.Event, last outcome, now time.Time) repository.DeadEvent {
	return repository.DeadEvent{Endpoint: endpoint, Seq: event.Seq, Index: event.Index, UID: event.UID, Type: string(event.Type), Outcome: last.class, DiedAt: now}
}

// attempt sends an event once, and stores what the result says about the endpoint. disabled reports that it
// gets no more events.
func (d *Delivery) attempt(ctx context.Context, to *sender, event *events.Event, replayed bool) (result outcome, disabled bool, err error) {
	content, err := body(ctx, to.endpoint, event, d.records)
	if err != nil {
		return outcome{}, false, err
	}
	name := to.endpoint.Name
	result = to.send(ctx, event.ID.String(), d.clock(), content, replayed)
	if ctx.Err() != nil { // this server stops: the attempt says nothing about the endpoint
		return result, false, ctx.Err()
	}
	d.metrics.attempts.WithLabelValues(name, result.class).Inc()
	if result.ok() {
		return result, false, d.repo.NoteWebhookSuccess(ctx, name)
	}
	d.log.Debug("an attempt to deliver an event failed", "endpoint", name, "sequence", event.Seq, "type", event.Type, "class", result.class, "status", result.status)
	disabled, err = d.noteFailure(ctx, name, result)
	return result, disabled, err
}

// noteFailure pauses an endpoint that asks for it, and disables one that is gone, or that has failed for
// days.
func (d *Delivery) noteFailure(ctx context.Context, name string, result outcome) (disabled bool, err error) {
	now := d.clock()
	if err := d.repo.NoteWebhookFailure(ctx, name, now); err != nil {
		return false, err
	}
	if result.pause > 0 {
		if err := d.repo.PauseWebhookEndpoint(ctx, name, now.Add(result.pause)); err != nil {
			return false, err
		}
	}
	state, err := d.repo.WebhookEndpoint(ctx, name)
	if err != nil {
		return false, err
	}
	why := repository.WebhookGone
	if !result.gone() {
		if state.FailingSince == nil || now.Sub(*state.FailingSince) < patience {
			return false, nil
		}
		why = repository.WebhookFailing
	}
	changed, err := d.repo.DisableWebhookEndpoint(ctx, name, why, now)
	if changed {
		d.log.Error("a webhook endpoint is disabled: barong webhooks enable lets it go on", "endpoint", name, "reason", why)
	}
	return err == nil, err
}
