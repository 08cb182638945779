package repository

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"log/slog"
	"time"

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
	AppliedAt time.Time // zero while it is pending
}

// Migrate brings the schema up to date and returns the steps that it took.
// Servers that start together take turns: a row in a table is the lock, which
// holds behind a connection pooler too.
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
	results, err := provider.Up(ctx)
	if err != nil {
		return nil, fmt.Errorf("the schema could not be migrated: %w", err)
	}
	applied := make([]Migration, len(results))
	for i, result := range results {
		applied[i] = Migration{Version: result.Source.Version, Name: result.Source.Path, AppliedAt: time.Now().UTC()}
	}
	return applied, nil
}

// Migrations lists all steps, oldest first, and when each was taken.
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
	// A connection of its own: a step takes as long as it takes, the pool's may not.
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
