package cli

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
// to a private Postgres under the data directory, which runs as long as somebody
// uses it. stop closes the pool, then that Postgres. configure may add to the pool's
// settings.
func openDatabase(ctx context.Context, c config.Config, log *slog.Logger, configure ...func(*pgxpool.Config)) (pool *pgxpool.Pool, stop func(), err error) {
	url, stopServer := c.DatabaseURL, func() {}
	if url == "" {
		log.Info("DATABASE_URL is empty: running a private Postgres", "directory", postgresDir(c))
		server, err := embeddedpg.Start(ctx, embeddedpg.Options{
			Dir: postgresDir(c), BinDir: c.PostgresBin, Mirror: c.PostgresMirror, Logger: log,
		})
		if err != nil {
			return nil, nil, fmt.Errorf("DATABASE_URL is empty, and no private Postgres runs here: %w", err)
		}
		url = server.URL()
		stopServer = func() {
			if err := server.Stop(context.WithoutCancel(ctx)); err != nil {
				log.Error("the private Postgres did not stop", "error", err)
			}
		}
	}
	pool, err = repository.Open(ctx, url, configure...)
	if err != nil {
		stopServer()
		return nil, nil, fmt.Errorf("DATABASE_URL: %w", err)
	}
	stop = func() {
		pool.Close()
		stopServer()
	}
	if err := waitForDatabase(ctx, pool, log); err != nil {
		stop()
		return nil, nil, err
	}
	return pool, stop, nil
}

// withDatabase runs work on the database that the settings name, or on the private
// one of a server. Only serve makes one.
func withDatabase(p *program, work func(ctx context.Context, c config.Config, pool *pgxpool.Pool) error) error {
	settings, err := config.Read()
	if err != nil {
		return err
	}
	if err := checkDatabaseExists(settings); err != nil {
		return err
	}
	ctx, cancel := signalContext()
	defer cancel()
	pool, stop, err := openDatabase(ctx, settings, warnLogger(p), repository.Timeouts(0)) // a command takes as long as it takes
	if err != nil {
		return err
	}
	defer stop()
	return work(ctx, settings, pool)
}

func postgresDir(c config.Config) string { return filepath.Join(c.DataDir, "postgres") }

// checkDatabaseExists refuses to go on where neither the settings name a database
// nor a server made one: a command in the wrong folder would else make an empty one
// and work on that.
func checkDatabaseExists(c config.Config) error {
	if c.DatabaseURL != "" {
		return nil
	}
	exists, err := embeddedpg.Exists(postgresDir(c))
	if err != nil {
		return err
	}
	if !exists {
		return fmt.Errorf("DATABASE_URL is empty, and %s has no database: set DATABASE_URL, or BARONG_DATA_DIR to the folder of a server that barong serve was started in", postgresDir(c))
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
