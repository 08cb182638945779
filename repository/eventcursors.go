package repository

import (
	"context"
	"errors"
	"time"

	sq "github.com/Masterminds/squirrel"

	"barong/internal/identity"
)

// EventLease is how long a server holds a cursor after it has last leased or advanced it, by the clock of
// the database.
const EventLease = 15 * time.Second

// EventCursor is how far the events of the journal are delivered to a receiver.
type EventCursor struct {
	Sink    string
	Seq     int64 // all events of rows up to this number are delivered
	Holder  string
	Until   time.Time // the end of the holder's lease
	Size    int64     // the number of the last sealed row
	Waiting float64   // age in seconds of the oldest row that is not delivered; 0: there is none
}

// ErrNotHolder is reported where another server holds the cursor.
var ErrNotHolder = errors.New("another server delivers these events")

var (
	cursors = eventCursorsTable

	isSink = sq.Eq{cursors.sink: arg("sink")}

	leaseEnd = sq.Expr("clock_timestamp() + ?::float8 * interval '1 second'", EventLease.Seconds())

	cursorColumns = columns[EventCursor]{
		field("c", cursors.sink, "text", func(c *EventCursor) *string { return &c.Sink }),
		field("c", cursors.seq, "int8", func(c *EventCursor) *int64 { return &c.Seq }),
		field("c", cursors.holder, "text", func(c *EventCursor) *string { return &c.Holder }),
		field("c", cursors.until, "timestamptz", func(c *EventCursor) *time.Time { return &c.Until }),
	}

	// A new receiver is told what happens from now on.
	insertEventCursor = compile(sq.Insert(cursors.name).Columns(cursors.sink, cursors.seq, cursors.holder, cursors.until).
				Select(sq.Select().Column(typed("sink", "text")).Columns(headTable.size, text(""), "'epoch'::timestamptz").From(headTable.name)).
				Suffix(onConflictDoNothing(cursors.sink)))

	selectEventCursors = compile(sq.Select(qualified("c", cursorColumns.names()...)...).Columns("h." + headTable.size).
				Column(sq.Expr("coalesce((?), 0)::float8", sq.Select("EXTRACT(EPOCH FROM clock_timestamp() - j."+journalTable.writtenAt+")").
					From(aliased(journalTable.name, "j")).Where("j."+journalTable.seq+" = c."+cursors.seq+" + 1"))).
				From(aliased(cursors.name, "c")).CrossJoin(aliased(headTable.name, "h")).OrderBy("c." + cursors.sink))

	leaseEventCursor = compile(sq.Update(cursors.name).Set(cursors.holder, arg("holder")).Set(cursors.until, leaseEnd).
				Where(isSink).Where(sq.Or{sq.Eq{cursors.holder: arg("holder")}, sq.Expr(cursors.until + " <= clock_timestamp()")}).
				Suffix(returning(cursors.seq)))

	advanceEventCursor = compile(sq.Update(cursors.name).Set(cursors.seq, arg("seq")).Set(cursors.until, leaseEnd).
				Where(isSink).Where(sq.Eq{cursors.holder: arg("holder")}).Where(cursors.seq+" <= ?", arg("seq")))

	releaseEventCursor = compile(sq.Update(cursors.name).Set(cursors.holder, "").Set(cursors.until, sq.Expr("'epoch'::timestamptz")).
				Where(isSink).Where(sq.Eq{cursors.holder: arg("holder")}))
)

// OpenEventCursor creates the cursor of a receiver at the end of the journal, unless it is there.
func (r *Repository) OpenEventCursor(ctx context.Context, sink string) error {
	_, err := r.exec(ctx, insertEventCursor, args{"sink": sink})
	return err
}

// EventCursors returns all cursors, by the names of their receivers.
func (r *Repository) EventCursors(ctx context.Context) ([]EventCursor, error) {
	return all(ctx, r, selectEventCursors, args{}, func(c *EventCursor) []any {
		return append(cursorColumns.targets(c), &c.Size, &c.Waiting)
	})
}

// LeaseEventCursor gives a cursor to a holder for EventLease, or extends its lease, and returns how far
// the cursor is. Another server's lease is ErrNotHolder.
func (r *Repository) LeaseEventCursor(ctx context.Context, sink, holder string) (seq int64, err error) {
	found, err := one(ctx, r, leaseEventCursor, args{"sink": sink, "holder": holder}, func(seq *int64) []any { return []any{seq} })
	if errors.Is(err, identity.ErrRecordNotFound) {
		return 0, ErrNotHolder
	}
	return found, err
}

// AdvanceEventCursor records that all events of rows up to seq are delivered, and extends the lease. A
// cursor never goes back. Another server's cursor is ErrNotHolder.
func (r *Repository) AdvanceEventCursor(ctx context.Context, sink, holder string, seq int64) error {
	moved, err := r.exec(ctx, advanceEventCursor, args{"sink": sink, "holder": holder, "seq": seq})
	if err == nil && moved == 0 {
		return ErrNotHolder
	}
	return err
}

// ReleaseEventCursor ends a holder's lease, so that another server need not wait for its end.
func (r *Repository) ReleaseEventCursor(ctx context.Context, sink, holder string) error {
	_, err := r.exec(ctx, releaseEventCursor, args{"sink": sink, "holder": holder})
	return err
}
