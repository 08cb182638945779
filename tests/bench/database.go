package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"

	"barong/internal/embeddedpg"
)

// cluster is the Postgres that is measured on: that of DATABASE_URL, whose user
// may create databases, or a private one whose data directory stays for the next
// run.
type cluster struct {
	url  string
	stop func()
}

// settings of the private Postgres: enough memory that a million users are
// cached, and no checkpoint in the midst of a measurement.
var settings = map[string]string{
	"shared_buffers": "2GB", "max_connections": "200", "max_wal_size": "8GB", "checkpoint_timeout": "1h",
}

func startCluster(ctx context.Context, dir, synchronousCommit string) (*cluster, error) {
	if given := os.Getenv("DATABASE_URL"); given != "" {
		return &cluster{url: given, stop: func() {}}, nil
	}
	settings["synchronous_commit"] = synchronousCommit
	server, err := embeddedpg.Start(ctx, embeddedpg.Options{
		Dir: filepath.Join(dir, "postgres"), BinDir: os.Getenv("BARONG_PG_BIN"), Settings: settings,
		Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	if err != nil {
		return nil, err
	}
	return &cluster{url: server.URL(), stop: func() {
		if err := server.Stop(context.WithoutCancel(ctx)); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}}, nil
}

// database is the connection string of one of its databases.
func (c *cluster) database(name string) string {
	parsed, err := url.Parse(c.url)
	if err != nil {
		panic(err) // it has connected
	}
	parsed.Path = "/" + name
	return parsed.String()
}

func (c *cluster) exec(ctx context.Context, statement string) error {
	connection, err := pgx.Connect(ctx, c.url)
	if err != nil {
		return err
	}
	defer func() { _ = connection.Close(ctx) }()
	_, err = connection.Exec(ctx, statement)
	return err
}

// dataset names what generate makes: another content needs another name, for
// databases are kept.
const dataset = "v2"

// loaded makes sure of a database with that many users, which is kept, and
// returns its name.
func (c *cluster) loaded(ctx context.Context, binary, dir string, size int) (string, error) {
	name := fmt.Sprintf("bench_%s_%d", dataset, size)
	connection, err := pgx.Connect(ctx, c.url)
	if err != nil {
		return "", err
	}
	defer func() { _ = connection.Close(ctx) }()
	var there bool
	if err := connection.QueryRow(ctx, "SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1)", name).Scan(&there); err != nil || there {
		return name, err
	}
	// Filled under another name: a load that breaks off leaves nothing to be taken
	// for a whole one.
	unfinished := name + "_unfinished"
	if err := c.recreate(ctx, unfinished, "template1"); err != nil {
		return "", err
	}
	began := time.Now()
	if err := load(ctx, binary, dir, c.database(unfinished), size); err != nil {
		return "", err
	}
	fmt.Fprintf(os.Stderr, "loaded %d users in %.1f s\n", size, time.Since(began).Seconds())
	return name, c.exec(ctx, "ALTER DATABASE "+unfinished+" RENAME TO "+name)
}

// copied makes a copy of a database to be measured on, which leaves the original
// as it is, and returns its connection string.
func (c *cluster) copied(ctx context.Context, original string) (string, error) {
	const name = "bench_copy"
	if err := c.recreate(ctx, name, original+" STRATEGY file_copy"); err != nil {
		return "", err
	}
	return c.database(name), c.exec(ctx, "CHECKPOINT")
}

func (c *cluster) recreate(ctx context.Context, name, template string) error {
	if err := c.exec(ctx, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)"); err != nil {
		return err
	}
	return c.exec(ctx, "CREATE DATABASE "+name+" TEMPLATE "+template)
}
