package app

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"barong/internal/config"
	"barong/internal/embeddedpg"
	"barong/repository"
)

// databaseTimeout bounds the wait for the database at startup. The database may be starting
// at the same time.
const databaseTimeout = 30 * time.Second

// openDatabase connects to DATABASE_URL or, if it is empty, to a private Postgres in the data
// directory, which runs as long as any process uses it. Close closes the pool and then that
// Postgres. The configure functions may change the pool's settings.
func (a *App) openDatabase(ctx context.Context, configure ...func(*pgxpool.Config)) error {
	url := a.Settings.DatabaseURL
	if url == "" {
		directory := PostgresDir(a.Settings)
		a.Log.Info("DATABASE_URL is empty: running a private Postgres", "directory", directory)
		postgres, err := embeddedpg.Start(ctx, embeddedpg.Options{
			Dir: directory, BinDir: a.Settings.PostgresBin, Mirror: a.Settings.PostgresMirror, Logger: a.Log,
		})
		if err != nil {
			return fmt.Errorf("DATABASE_URL is empty, and no private Postgres runs here: %w", err)
		}
		a.onClose(func() {
			if err := postgres.Stop(context.WithoutCancel(ctx)); err != nil {
				a.Log.Error("the private Postgres did not stop", "error", err)
			}
		})
		url = postgres.URL()
	}
	pool, err := repository.Open(ctx, url, configure...)
	if err != nil {
		return fmt.Errorf("DATABASE_URL: %w", err)
	}
	a.onClose(pool.Close)
	a.Pool, a.Repo = pool, repository.New(pool)
	if a.Settings.Journal == config.Off {
		a.Repo = a.Repo.WithoutJournal()
	}
	return waitForDatabase(ctx, pool, a.Log)
}

// PostgresDir returns the directory of the private Postgres.
func PostgresDir(c config.Config) string { return filepath.Join(c.DataDir, "postgres") }

// checkDatabaseExists returns an error if no database is configured and no server has created
// one. Otherwise a command in the wrong directory would create an empty database and work on
// it.
func checkDatabaseExists(c config.Config) error {
	if c.DatabaseURL != "" {
		return nil
	}
	exists, err := embeddedpg.Exists(PostgresDir(c))
	if err != nil {
		return err
	}
	if !exists {
		return fmt.Errorf("DATABASE_URL is empty, and %s has no database: set DATABASE_URL, or BARONG_DATA_DIR to the folder of a server that barong serve was started in", PostgresDir(c))
	}
	return nil
}

// databasePause is the pause between two attempts to reach the database.
const databasePause = 500 * time.Millisecond

// waitForDatabase retries until the database responds. A permanent error, such as a wrong
// password, ends the wait at once. Other errors are logged at growing intervals.
func waitForDatabase(ctx context.Context, pool *pgxpool.Pool, log *slog.Logger) error {
	limited, cancel := context.WithTimeout(ctx, databaseTimeout)
	defer cancel()
	var lastLogged time.Time
	interval := time.Second
	for {
		err := pool.Ping(limited)
		if err == nil {
			return nil
		}
		if reason, refused := repository.RefusedForGood(err); refused {
			return fmt.Errorf("DATABASE_URL: the database refuses the connection: %s", reason)
		}
		if now := time.Now(); now.Sub(lastLogged) >= interval {
			log.Warn("the database does not answer yet", "error", err)
			if !lastLogged.IsZero() {
				interval *= 2
			}
			lastLogged = now
		}
		select {
		case <-limited.Done():
			return fmt.Errorf("DATABASE_URL: the database did not answer within %s: %w", databaseTimeout, err)
		case <-time.After(databasePause):
		}
	}
}

func makeDataDir(c config.Config) error {
	if err := os.MkdirAll(c.DataDir, 0o755); err != nil {
		return fmt.Errorf("BARONG_DATA_DIR: %w", err)
	}
	return nil
}
