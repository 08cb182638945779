package repository

import (
	"context"
	"errors"
	"math"
	"time"

	sq "github.com/Masterminds/squirrel"
	"github.com/jackc/pgx/v5"

	"barong/internal/identity"
)

// WebhookLane is a user with events that an endpoint has not got.
type WebhookLane struct {
	Endpoint  string
	UID       string
	SentSeq   int64 // the last event that is delivered or dead: its row of the journal
	SentIndex int   // and its place in the row; WholeRow: all events of the row
	WantedSeq int64 // the last row with an event for the endpoint
	Failures  int   // of the next event, in succession
	Due       time.Time
}

// WholeRow is the place of the last event of a row.
const WholeRow = math.MaxInt32

// ErrLaneMoved is reported where another job has moved a lane.
var ErrLaneMoved = errors.New("another job delivers the events of this user")

var (
	laneColumns = columns[WebhookLane]{
		field(webhookLanesTable.name, webhookLanesTable.endpoint, "text", func(l *WebhookLane) *string { return &l.Endpoint }),
		field(webhookLanesTable.name, webhookLanesTable.uid, "text", func(l *WebhookLane) *string { return &l.UID }),
		field(webhookLanesTable.name, webhookLanesTable.sentSeq, "int8", func(l *WebhookLane) *int64 { return &l.SentSeq }),
		field(webhookLanesTable.name, webhookLanesTable.sentIndex, "int4", func(l *WebhookLane) *int { return &l.SentIndex }),
		field(webhookLanesTable.name, webhookLanesTable.wantedSeq, "int8", func(l *WebhookLane) *int64 { return &l.WantedSeq }),
		field(webhookLanesTable.name, webhookLanesTable.failures, "int4", func(l *WebhookLane) *int { return &l.Failures }),
		field(webhookLanesTable.name, webhookLanesTable.due, "timestamptz", func(l *WebhookLane) *time.Time { return &l.Due }),
	}

	isLane = sq.Eq{webhookLanesTable.endpoint: arg("endpoint"), webhookLanesTable.uid: arg("uid")}

	// A lane that is there keeps its place, and is extended.
	insertLanes = compile(laneColumns.selectInto(webhookLanesTable.name).
			Suffix(onConflictReplace([]string{webhookLanesTable.endpoint, webhookLanesTable.uid}, []string{webhookLanesTable.wantedSeq})))

	selectLane = compile(sq.Select(laneColumns.names()...).From(webhookLanesTable.name).Where(isLane))

	selectLanes = compile(limit(sq.Select(laneColumns.names()...).From(webhookLanesTable.name).
			Where(webhookLanesTable.endpoint+" = ?", arg("endpoint")).Where(webhookLanesTable.uid+" > ?", arg("after")).OrderBy(webhookLanesTable.uid)))

	moveLane = compile(sq.Update(webhookLanesTable.name).
			Set(webhookLanesTable.sentSeq, arg("to seq")).Set(webhookLanesTable.sentIndex, arg("to index")).
			Set(webhookLanesTable.failures, arg("failures")).Set(webhookLanesTable.due, arg("due")).
			Where(isLane).Where(sq.Eq{webhookLanesTable.sentSeq: arg("seq"), webhookLanesTable.sentIndex: arg("index")}))

	endLane = compile(sq.Delete(webhookLanesTable.name).Where(isLane).Where(sq.Eq{webhookLanesTable.wantedSeq: arg("wanted")}))
)

// selectInto inserts the elements of an array for each column.
func (list columns[T]) selectInto(table string) sq.InsertBuilder {
	return sq.Insert(table).Columns(list.names()...).Select(list.selectArrays(sq.Select()))
}

// InQueueTx is InTx for work that also uses the transaction itself, in the schema of the queue of jobs.
func (r *Repository) InQueueTx(ctx context.Context, work func(*Repository, pgx.Tx) error) error {
	return translate(r.retry(ctx, func() error {
		return pgx.BeginFunc(ctx, r.db, func(tx pgx.Tx) error { return work(r.within(tx), tx) })
	}))
}

// ExtendWebhookLanes creates lanes, or extends those that are there to a later row. The lanes are those of
// one endpoint and have a user each, in the order of the uids.
func (r *Repository) ExtendWebhookLanes(ctx context.Context, lanes []WebhookLane) error {
	given := args{}
	laneColumns.bindArrays(given, lanes)
	_, err := r.exec(ctx, insertLanes, given)
	return err
}

// WebhookLane returns a lane. One that has ended is identity.ErrRecordNotFound.
func (r *Repository) WebhookLane(ctx context.Context, endpoint, uid string) (WebhookLane, error) {
	return one(ctx, r, selectLane, args{"endpoint": endpoint, "uid": uid}, laneColumns.targets)
}

// WebhookLanes returns up to limit lanes of an endpoint with uids above after, in order.
func (r *Repository) WebhookLanes(ctx context.Context, endpoint, after string, limit int) ([]WebhookLane, error) {
	return all(ctx, r, selectLanes, args{"endpoint": endpoint, "after": after, "limit": limit}, laneColumns.targets)
}

// MoveWebhookLane stores where a lane is now, unless it is no longer where it was: ErrLaneMoved.
func (r *Repository) MoveWebhookLane(ctx context.Context, was, now WebhookLane) error {
	moved, err := r.exec(ctx, moveLane, args{
		"endpoint": was.Endpoint, "uid": was.UID, "seq": was.SentSeq, "index": was.SentIndex,
		"to seq": now.SentSeq, "to index": now.SentIndex, "failures": now.Failures, "due": now.Due,
	})
	if err == nil && moved == 0 {
		return ErrLaneMoved
	}
	return err
}

// EndWebhookLane deletes a lane, unless it has been extended since it was read.
func (r *Repository) EndWebhookLane(ctx context.Context, lane WebhookLane) (ended bool, err error) {
	deleted, err := r.exec(ctx, endLane, args{"endpoint": lane.Endpoint, "uid": lane.UID, "wanted": lane.WantedSeq})
	return deleted == 1, err
}

// isMissing reports whether a statement found no row.
func isMissing(err error) bool { return errors.Is(err, identity.ErrRecordNotFound) }
