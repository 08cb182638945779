package repository

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migration is one step of the schema.
type Migration struct {
	Version   int64
	Name      string    // of its file
	AppliedAt time.Time // zero while the migration is pending
}

// Migrate brings the schema up to date and returns the migrations that it applied, including those
// before an error. Servers that start at the same time migrate one after the other: the lock is a
// row in a table, which also works behind a connection pooler.
func Migrate(ctx context.Context, pool *pgxpool.Pool, log *slog.Logger) ([]Migration, error) {
	provider, closeProvider, err := newProvider(pool, log)
	if err != nil {
		return nil, err
	}
	defer closeProvider()
	pending, err := provider.HasPending(ctx)
	if err != nil {
		return nil, fmt.Errorf("the state of the schema cannot be read: %w", err)
	}
	if !pending {
		return nil, nil
	}
	var applied []Migration
	for attempt := 1; ; attempt++ {
		results, err := provider.Up(ctx)
		var partial *goose.PartialError
		if errors.As(err, &partial) {
			results = partial.Applied
		}
		for _, result := range results {
			applied = append(applied, Migration{Version: result.Source.Version, Name: result.Source.Path, AppliedAt: time.Now().UTC()})
		}
		if err == nil {
			return applied, nil
		}
		var pgErr *pgconn.PgError
		if attempt == lockAttempts || !errors.As(err, &pgErr) || pgErr.Code != lockNotAvailable {
			return applied, fmt.Errorf("the schema could not be migrated: %w", err)
		}
		log.Warn("a step of the schema did not get its lock and is tried again", "error", err)
		select {
		case <-ctx.Done():
			return applied, ctx.Err()
		case <-time.After(lockPause):
		}
	}
}

// A migration that alters a table fails with lock_timeout while another transaction holds that
// table for long, because every later transaction waits behind a migration that waits for its lock.
// Migrate pauses, so that these transactions proceed, and tries again.
const (
	lockNotAvailable = "55P03" // SQLSTATE
	lockAttempts     = 30
	lockPause        = 2 * time.Second
)

// Migrations lists all migrations, oldest first, with the time when each was applied.
func Migrations(ctx context.Context, pool *pgxpool.Pool, log *slog.Logger) ([]Migration, error) {
	provider, closeProvider, err := newProvider(pool, log)
	if err != nil {
		return nil, err
	}
	defer closeProvider()
	status, err := provider.Status(ctx)
	if err != nil {
		return nil, fmt.Errorf("the state of the schema cannot be read: %w", err)
	}
	steps := make([]Migration, len(status))
	for i, step := range status {
		steps[i] = Migration{Version: step.Source.Version, Name: step.Source.Path, AppliedAt: step.AppliedAt}
	}
	return steps, nil
}

func newProvider(pool *pgxpool.Pool, log *slog.Logger) (*goose.Provider, func(), error) {
	locker, err := lock.NewPostgresTableLocker(lock.WithTableLogger(log), lock.WithTableLockTimeout(200*time.Millisecond, 300))
	if err != nil {
		return nil, nil, err
	}
	steps, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, nil, err
	}
	// A connection of its own: a migration may take longer than the pool allows.
	config, err := parse(pool.Config().ConnString())
	if err != nil {
		return nil, nil, err
	}
	Timeouts(0)(config)
	db := stdlib.OpenDB(*config.ConnConfig)
	provider, err := goose.NewProvider(goose.DialectPostgres, db, steps, goose.WithLocker(locker), goose.WithSlog(log))
	if err != nil {
		_ = db.Close()
		return nil, nil, err
	}
	return provider, func() { _ = db.Close() }, nil
}
