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

// databasePatience is how long a database may take to answer at the start: it
// may well be starting too.
const databasePatience = 30 * time.Second

// openDatabase connects to the database of DATABASE_URL or, where that is empty,
// to a private Postgres under the data directory, which runs as long as a process
// uses it. Close closes the pool, then that Postgres. configure may add to the pool's
// settings.
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
	return waitForDatabase(ctx, pool, a.Log)
}

// PostgresDir is where the private Postgres of a server is.
func PostgresDir(c config.Config) string { return filepath.Join(c.DataDir, "postgres") }

// checkDatabaseExists refuses to go on where neither the settings name a database
// nor a server made one: a command in the wrong folder would else make an empty one
// and work on that.
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

// databasePause is how long to wait before the database is asked again.
const databasePause = 500 * time.Millisecond

// waitForDatabase asks the database until it answers. What time does not heal, as a
// wrong password, ends the wait at once; what it does is logged at growing intervals.
func waitForDatabase(ctx context.Context, pool *pgxpool.Pool, log *slog.Logger) error {
	patience, cancel := context.WithTimeout(ctx, databasePatience)
	defer cancel()
	var told time.Time
	interval := time.Second
	for {
		err := pool.Ping(patience)
		if err == nil {
			return nil
		}
		if reason, refused := repository.RefusedForGood(err); refused {
			return fmt.Errorf("DATABASE_URL: the database refuses the connection: %s", reason)
		}
		if now := time.Now(); now.Sub(told) >= interval {
			log.Warn("the database does not answer yet", "error", err)
			if !told.IsZero() {
				interval *= 2
			}
			told = now
		}
		select {
		case <-patience.Done():
			return fmt.Errorf("DATABASE_URL: the database did not answer within %s: %w", databasePatience, err)
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
