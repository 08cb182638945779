// Package repository stores the nouns of package identity in Postgres. It is the only package that
// contains SQL: one file for each subject, the schema in migrations/. Squirrel builds each
// statement once (statement.go), from the names in tables.go and the columns in nouns.go, and
// reader.go runs it. Errors are returned as identity errors (errors.go).
package repository

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"barong/internal/journal"
)

// queryer is the common interface of a pool and a transaction.
type queryer interface {
	Begin(ctx context.Context) (pgx.Tx, error)
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
	CopyFrom(ctx context.Context, table pgx.Identifier, columns []string, rows pgx.CopyFromSource) (int64, error)
}

// Repository reads and writes, directly or within a transaction, with the same methods. It is safe
// for concurrent use outside of a transaction.
type Repository struct {
	db    queryer
	lists *lists

	record      *journal.Record // of the next write; nil: it is not recorded
	unjournaled bool            // writes no rows into the inbox of the journal
}

// lists holds the caches for lists. Losing an entry affects performance only.
type lists struct {
	totals  *totals
	cursors *cursorCache
}

// New makes a repository on a pool. The caller closes the pool.
func New(pool *pgxpool.Pool) *Repository {
	return &Repository{db: pool, lists: &lists{totals: newTotals(), cursors: newCursorCache()}}
}

// within returns the repository inside of a transaction.
func (r *Repository) within(tx pgx.Tx) *Repository {
	return &Repository{db: tx, lists: r.lists, record: r.record, unjournaled: r.unjournaled}
}

// maxAttempts limits how often a transaction that fails to serialize is tried before the caller
// gets the error.
const maxAttempts = 8

// InTx runs work in one transaction, which is rolled back when work returns an error. Inside
// another transaction it is a savepoint. A transaction that fails to serialize runs again, so work
// must have no effects outside of the repository that it gets.
func (r *Repository) InTx(ctx context.Context, work func(*Repository) error) error {
	return translate(r.retry(ctx, func() error {
		return pgx.BeginFunc(ctx, r.db, func(tx pgx.Tx) error { return work(r.within(tx)) })
	}))
}

// inSnapshot runs work, which only reads, on one snapshot of the database, and may run it again.
// Inside a transaction the snapshot is that of the transaction.
func (r *Repository) inSnapshot(ctx context.Context, work func(*Repository) error) error {
	return translate(r.retry(ctx, func() error { return r.snapshot(ctx, work) }))
}

// snapshot is inSnapshot for work that must not run twice.
func (r *Repository) snapshot(ctx context.Context, work func(*Repository) error) error {
	pool, ok := r.db.(*pgxpool.Pool)
	if !ok {
		return work(r)
	}
	options := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	return translate(pgx.BeginTxFunc(ctx, pool, options, func(tx pgx.Tx) error { return work(r.within(tx)) }))
}

// retry runs attempt, which is a complete transaction, again when it fails to serialize. A write with an
// enforced key also runs once more when its connection is lost: where the first attempt was committed
// after all, the second one fails at the key and is reported as unavailable, and the key says whose write
// it was. A part of a larger transaction is not retried, because the whole transaction has failed.
func (r *Repository) retry(ctx context.Context, attempt func() error) error {
	_, nested := r.db.(pgx.Tx)
	lost := false
	for attempts := 1; ; attempts++ {
		err := attempt()
		if lost && isKeySpent(err) {
			return unavailable(err)
		}
		again := isSerializationFailure(err)
		if !again && !lost && r.recording().enforced && isConnectionLost(err) {
			again, lost = true, true
		}
		if err == nil || nested || attempts == maxAttempts || !again {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(rand.N(time.Duration(attempts) * 10 * time.Millisecond)): //nolint:gosec // not a secret
		}
	}
}
