package cli

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"barong/config"
	"barong/embeddedpg"
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
		log.Info("DATABASE_URL is empty: running a private Postgres", "directory", filepath.Join(c.DataDir, "postgres"))
		server, err := embeddedpg.Start(ctx, embeddedpg.Options{
			Dir: filepath.Join(c.DataDir, "postgres"), BinDir: c.PostgresBin, Mirror: c.PostgresURL, Logger: log,
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

// withDatabase runs work on the database that the settings name.
func withDatabase(p *program, work func(ctx context.Context, c config.Config, pool *pgxpool.Pool) error) error {
	settings, err := config.Read()
	if err != nil {
		return err
	}
	if err := makeDataDir(settings); err != nil {
		return err
	}
	ctx, cancel := untilSignal()
	defer cancel()
	pool, stop, err := openDatabase(ctx, settings, quiet(p), repository.Timeouts(0)) // a command takes as long as it takes
	if err != nil {
		return err
	}
	defer stop()
	return work(ctx, settings, pool)
}

func waitForDatabase(ctx context.Context, pool *pgxpool.Pool, log *slog.Logger) error {
	patience, cancel := context.WithTimeout(ctx, databasePatience)
	defer cancel()
	for {
		err := pool.Ping(patience)
		if err == nil {
			return nil
		}
		log.Warn("the database does not answer yet", "error", err)
		select {
		case <-patience.Done():
			return fmt.Errorf("DATABASE_URL: the database did not answer within %s: %w", databasePatience, err)
		case <-time.After(time.Second):
		}
	}
}

func makeDataDir(c config.Config) error {
	if err := os.MkdirAll(c.DataDir, 0o755); err != nil {
		return fmt.Errorf("BARONG_DATA_DIR: %w", err)
	}
	return nil
}
