package repository

import (
	"context"
	"time"

	sq "github.com/Masterminds/squirrel"

	"barong/internal/identity"
)

// WebhookEndpoint is the state of an endpoint. One of which nothing is stored has the zero value and a name.
type WebhookEndpoint struct {
	Name         string
	FailingSince *time.Time // no attempt has succeeded since
	PausedUntil  *time.Time
	DisabledAt   *time.Time
	DisabledWhy  string // WebhookGone or WebhookFailing; "" where it is enabled
}

// Why an endpoint is disabled.
const (
	WebhookGone    = "gone"    // it answered 410
	WebhookFailing = "failing" // no attempt succeeded for days
)

// DeadEvent is an event that no attempt delivered.
type DeadEvent struct {
	Endpoint string
	Seq      int64 // of the row of the journal
	Index    int   // among the events of the row
	UID      string
	Type     string
	Outcome  string // class of the last attempt
	DiedAt   time.Time
}

// DeadCount is the number of an endpoint's dead events.
type DeadCount struct {
	Endpoint string
	Events   int64
}

var (
	hooks = webhookEndpointsTable
	dead  = webhookDeadTable

	endpointColumns = columns[WebhookEndpoint]{
		field(hooks.name, hooks.endpoint, "text", func(e *WebhookEndpoint) *string { return &e.Name }),
		field(hooks.name, hooks.failingSince, "timestamptz", func(e *WebhookEndpoint) **time.Time { return &e.FailingSince }),
		field(hooks.name, hooks.pausedUntil, "timestamptz", func(e *WebhookEndpoint) **time.Time { return &e.PausedUntil }),
		field(hooks.name, hooks.disabledAt, "timestamptz", func(e *WebhookEndpoint) **time.Time { return &e.DisabledAt }),
		field(hooks.name, hooks.disabledWhy, "text", func(e *WebhookEndpoint) *string { return &e.DisabledWhy }),
	}
	isEndpoint = sq.Eq{hooks.endpoint: arg("endpoint")}

	selectEndpoint = compile(sq.Select(endpointColumns.names()...).From(hooks.name).Where(isEndpoint))

	insertEndpoint = compile(sq.Insert(hooks.name).Columns(hooks.endpoint, hooks.disabledWhy).Values(arg("endpoint"), "").
			Suffix(onConflictDoNothing(hooks.endpoint)))

	noteSuccess = compile(sq.Update(hooks.name).Set(hooks.failingSince, nil).Where(isEndpoint).Where(sq.NotEq{hooks.failingSince: nil}))

	noteFailure = compile(sq.Update(hooks.name).Set(hooks.failingSince, arg("now")).Where(isEndpoint).Where(sq.Eq{hooks.failingSince: nil}))

	pauseEndpoint = compile(sq.Update(hooks.name).Set(hooks.pausedUntil, arg("until")).Where(isEndpoint).
			Where(sq.Or{sq.Eq{hooks.pausedUntil: nil}, sq.Expr(hooks.pausedUntil+" < ?", arg("until"))}))

	disableEndpoint = compile(sq.Update(hooks.name).Set(hooks.disabledAt, arg("now")).Set(hooks.disabledWhy, arg("why")).
			Where(isEndpoint).Where(sq.Eq{hooks.disabledAt: nil}))

	enableEndpoint = compile(sq.Update(hooks.name).Set(hooks.disabledAt, nil).Set(hooks.disabledWhy, "").Set(hooks.failingSince, nil).Set(hooks.pausedUntil, nil).
			Where(isEndpoint).Where(sq.NotEq{hooks.disabledAt: nil}))

	deadColumns = columns[DeadEvent]{
		field(dead.name, dead.endpoint, "text", func(d *DeadEvent) *string { return &d.Endpoint }),
		field(dead.name, dead.seq, "int8", func(d *DeadEvent) *int64 { return &d.Seq }),
		field(dead.name, dead.place, "int4", func(d *DeadEvent) *int { return &d.Index }),
		field(dead.name, dead.uid, "text", func(d *DeadEvent) *string { return &d.UID }),
		field(dead.name, dead.kind, "text", func(d *DeadEvent) *string { return &d.Type }),
		field(dead.name, dead.outcome, "text", func(d *DeadEvent) *string { return &d.Outcome }),
		field(dead.name, dead.diedAt, "timestamptz", func(d *DeadEvent) *time.Time { return &d.DiedAt }),
	}
	insertDead = compile(deadColumns.selectInto(dead.name).
			Suffix(onConflictReplace([]string{dead.endpoint, dead.seq, dead.place}, []string{dead.outcome, dead.diedAt})))

	isDead = sq.Eq{dead.endpoint: arg("endpoint"), dead.seq: arg("seq"), dead.place: arg("index")}

	deleteDead = compile(sq.Delete(dead.name).Where(isDead))

	selectDead = compile(limit(sq.Select(deadColumns.names()...).From(dead.name).Where(dead.endpoint+" = ?", arg("endpoint")).
			Where("("+columnList(dead.seq, dead.place)+") > (?::bigint, ?::integer)", arg("seq"), arg("index")).OrderBy(dead.seq, dead.place)))

	countDead = compile(sq.Select(dead.endpoint, "count(*)").From(dead.name).GroupBy(dead.endpoint))
)

// WebhookEndpoint returns the state of an endpoint.
func (r *Repository) WebhookEndpoint(ctx context.Context, name string) (WebhookEndpoint, error) {
	found, err := one(ctx, r, selectEndpoint, args{"endpoint": name}, endpointColumns.targets)
	if isMissing(err) {
		return WebhookEndpoint{Name: name}, nil
	}
	return found, err
}

// OpenWebhookEndpoint makes the row of an endpoint's state, unless it is there.
func (r *Repository) OpenWebhookEndpoint(ctx context.Context, name string) error {
	_, err := r.exec(ctx, insertEndpoint, args{"endpoint": name})
	return err
}

// NoteWebhookSuccess records that an attempt has succeeded.
func (r *Repository) NoteWebhookSuccess(ctx context.Context, name string) error {
	_, err := r.exec(ctx, noteSuccess, args{"endpoint": name})
	return err
}

// NoteWebhookFailure records that an attempt has failed.
func (r *Repository) NoteWebhookFailure(ctx context.Context, name string, now time.Time) error {
	_, err := r.exec(ctx, noteFailure, args{"endpoint": name, "now": now})
	return err
}

// PauseWebhookEndpoint makes all attempts wait until a time. A pause is never shortened.
func (r *Repository) PauseWebhookEndpoint(ctx context.Context, name string, until time.Time) error {
	_, err := r.exec(ctx, pauseEndpoint, args{"endpoint": name, "until": until})
	return err
}

// DisableWebhookEndpoint ends the delivery to an endpoint; changed is false where it had ended before.
func (r *Repository) DisableWebhookEndpoint(ctx context.Context, name, why string, now time.Time) (changed bool, err error) {
	moved, err := r.exec(ctx, disableEndpoint, args{"endpoint": name, "why": why, "now": now})
	return moved == 1, err
}

// EnableWebhookEndpoint lets the delivery go on; changed is false where the endpoint was not disabled.
func (r *Repository) EnableWebhookEndpoint(ctx context.Context, name string) (changed bool, err error) {
	moved, err := r.exec(ctx, enableEndpoint, args{"endpoint": name})
	return moved == 1, err
}

// AddDeadEvent stores an event that no attempt delivered, or how the last repetition ended.
func (r *Repository) AddDeadEvent(ctx context.Context, event DeadEvent) error {
	given := args{}
	deadColumns.bindArrays(given, []DeadEvent{event})
	_, err := r.exec(ctx, insertDead, given)
	return err
}

// DeadEvents returns up to limit dead events of an endpoint after a place in the journal, in order.
func (r *Repository) DeadEvents(ctx context.Context, endpoint string, seq int64, index, limit int) ([]DeadEvent, error) {
	return all(ctx, r, selectDead, args{"endpoint": endpoint, "seq": seq, "index": index, "limit": limit}, deadColumns.targets)
}

// DropDeadEvent forgets a dead event; an unknown one is identity.ErrRecordNotFound.
func (r *Repository) DropDeadEvent(ctx context.Context, endpoint string, seq int64, index int) error {
	deleted, err := r.exec(ctx, deleteDead, args{"endpoint": endpoint, "seq": seq, "index": index})
	if err == nil && deleted == 0 {
		return identity.ErrRecordNotFound
	}
	return err
}

// CountDeadEvents returns the number of dead events of each endpoint that has any.
func (r *Repository) CountDeadEvents(ctx context.Context) ([]DeadCount, error) {
	return all(ctx, r, countDead, args{}, func(c *DeadCount) []any { return []any{&c.Endpoint, &c.Events} })
}
