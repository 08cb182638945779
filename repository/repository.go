// Package repository keeps the nouns of package identity in Postgres. It is the
// only package that knows SQL: one file for each subject, the schema in
// migrations/. Squirrel builds each statement once (statement.go), from the names in
// tables.go and the columns in nouns.go, and reader.go runs it. Failures come out as
// identity errors (errors.go).
package repository

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// queryer is what a pool and a transaction have in common.
type queryer interface {
	Begin(ctx context.Context) (pgx.Tx, error)
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
	CopyFrom(ctx context.Context, table pgx.Identifier, columns []string, rows pgx.CopyFromSource) (int64, error)
}

// Repository reads and writes, by itself or as part of a transaction: its
// methods are the same in both. It is safe for concurrent use outside of one.
type Repository struct {
	db    queryer
	lists *lists
}

// lists is what a repository remembers of lists. Nothing of it is needed.
type lists struct {
	totals  *totals
	cursors *cursorCache
}

// New makes a repository on a pool, which stays the caller's to close.
func New(pool *pgxpool.Pool) *Repository {
	return &Repository{db: pool, lists: &lists{totals: newTotals(), cursors: newCursorCache()}}
}

// maxAttempts bounds how often a transaction that lost against a concurrent one
// is tried again, before the caller is told to come back.
const maxAttempts = 8

// InTx runs work in one transaction: all of it is kept, or nothing where it
// returns an error. Inside another transaction it is a savepoint. A transaction
// that the database gave up for the sake of a concurrent one is tried again, so
// work must not have effects beyond the repository that it is handed.
func (r *Repository) InTx(ctx context.Context, work func(*Repository) error) error {
	return translate(r.retry(ctx, func() error {
		return pgx.BeginFunc(ctx, r.db, func(tx pgx.Tx) error { return work(&Repository{db: tx, lists: r.lists}) })
	}))
}

// inSnapshot runs work, which only reads, on one state of the database, and may run it
// again. Inside a transaction that state is what the transaction sees.
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
	return translate(pgx.BeginTxFunc(ctx, pool, options, func(tx pgx.Tx) error { return work(&Repository{db: tx, lists: r.lists}) }))
}

// retry runs attempt, which is a transaction as a whole, again when it lost
// against a concurrent one. A part of a larger transaction is not tried again:
// all of it is lost.
func (r *Repository) retry(ctx context.Context, attempt func() error) error {
	_, nested := r.db.(pgx.Tx)
	for attempts := 1; ; attempts++ {
		err := attempt()
		if err == nil || nested || attempts == maxAttempts || !isSerializationFailure(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(rand.N(time.Duration(attempts) * 10 * time.Millisecond)): //nolint:gosec // a random wait keeps no secret
		}
	}
}
