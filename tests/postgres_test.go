package tests

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/modules/postgres"

	"barong/internal/embeddedpg"
	"barong/repository"
)

// Where the tests' Postgres comes from:
//
//	BARONG_TEST_DATABASE_URL    a server to make databases on; its user may create them
//	BARONG_TEST_POSTGRES        "container" or "embedded": that one and no other
//	BARONG_TEST_POSTGRES_IMAGE  the container's image
//
// Without any of them: a container where an engine answers, else the embedded one.
const defaultImage = "postgres:17-alpine"

var (
	adminURL string // of the server, to create databases
	template string // the name of a migrated, empty database
)

func startPostgres(ctx context.Context) (stop func(), err error) {
	url, stopServer, err := choosePostgres(ctx)
	if err != nil {
		return nil, err
	}
	adminURL = url
	template = "barong_template_" + strings.ToLower(rand.Text())
	if err := admin(ctx, "CREATE DATABASE "+template); err != nil {
		stopServer()
		return nil, err
	}
	pool, err := repository.Open(ctx, databaseURL(template))
	if err != nil {
		stopServer()
		return nil, err
	}
	defer pool.Close()
	if _, err := repository.Migrate(ctx, pool, slog.New(slog.DiscardHandler)); err != nil {
		stopServer()
		return nil, err
	}
	return func() {
		_ = admin(context.WithoutCancel(ctx), "DROP DATABASE "+template+" WITH (FORCE)")
		stopServer()
	}, nil
}

func choosePostgres(ctx context.Context) (url string, stop func(), err error) {
	if url := os.Getenv("BARONG_TEST_DATABASE_URL"); url != "" {
		say("Postgres: the server of BARONG_TEST_DATABASE_URL")
		return url, func() {}, nil
	}
	switch choice := os.Getenv("BARONG_TEST_POSTGRES"); choice {
	case "container":
		return containedPostgres(ctx)
	case "embedded":
		return embeddedPostgres(ctx, "as BARONG_TEST_POSTGRES says")
	case "":
		url, stop, err := containedPostgres(ctx)
		if err == nil {
			return url, stop, nil
		}
		return embeddedPostgres(ctx, "no container engine answers")
	default:
		return "", nil, fmt.Errorf("BARONG_TEST_POSTGRES must be container or embedded, and is %q", choice)
	}
}

// maxConnections is enough for as many tests at once as a large machine has processors, of which each has some
// servers with a pool.
const maxConnections = "1000"

func containedPostgres(ctx context.Context) (url string, stop func(), err error) {
	defer func() { // the library panics where there is no engine at all
		if cause := recover(); cause != nil {
			err = fmt.Errorf("%v", cause)
		}
	}()
	provider, err := testcontainers.NewDockerProvider()
	if err != nil {
		return "", nil, err
	}
	defer provider.Close()
	if err := provider.Health(ctx); err != nil {
		return "", nil, err
	}
	image := os.Getenv("BARONG_TEST_POSTGRES_IMAGE")
	if image == "" {
		image = defaultImage
	}
	container, err := postgres.Run(ctx, image, postgres.WithUsername("barong"), postgres.WithPassword("barong"),
		postgres.WithDatabase("barong"), testcontainers.WithTmpfs(map[string]string{"/var/lib/postgresql": "rw"}), postgres.BasicWaitStrategies(),
		testcontainers.WithCmdArgs("-c", "max_connections="+maxConnections))
	stop = func() {
		if err := testcontainers.TerminateContainer(container); err != nil {
			say("Postgres: the container could not be removed: %s", err)
		}
	}
	if err != nil {
		stop()
		return "", nil, err
	}
	url, err = container.ConnectionString(ctx, "sslmode=disable")
	if err != nil {
		stop()
		return "", nil, err
	}
	say("Postgres: a container of %s (an engine answers)", image)
	return url, stop, nil
}

func embeddedPostgres(ctx context.Context, why string) (url string, stop func(), err error) {
	dir, err := os.MkdirTemp("", "barong-tests-")
	if err != nil {
		return "", nil, err
	}
	server, err := embeddedpg.Start(ctx, embeddedpg.Options{
		Dir: dir, Logger: slog.New(slog.DiscardHandler),
		Settings: map[string]string{"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": maxConnections},
	})
	if err != nil {
		return "", nil, errors.Join(err, os.RemoveAll(dir))
	}
	say("Postgres: a private one of this machine, %s (%s)", server.Version(), why)
	return server.URL(), func() {
		_ = server.Stop(context.WithoutCancel(ctx))
		_ = os.RemoveAll(dir)
	}, nil
}

// say prints a line that tells what the tests ran on, or how much they did, and
// leaves it in the file of BARONG_TEST_REPORT too: go test shows nothing of
// packages that pass.
func say(format string, args ...any) {
	line := fmt.Sprintf("tests' "+format+"\n", args...)
	fmt.Fprint(os.Stderr, line)
	if path := os.Getenv("BARONG_TEST_REPORT"); path != "" {
		report, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o600)
		if err == nil {
			_, _ = report.WriteString(line)
			_ = report.Close()
		}
	}
}

func admin(ctx context.Context, statement string) error {
	connection, err := pgx.Connect(ctx, adminURL)
	if err != nil {
		return err
	}
	defer connection.Close(ctx)
	_, err = connection.Exec(ctx, statement)
	return err
}

func databaseURL(name string) string {
	parsed, err := url.Parse(adminURL)
	if err != nil {
		panic(err)
	}
	parsed.Path = "/" + name
	return parsed.String()
}

// newDatabase is an empty, migrated database of the test's own.
func newDatabase(t testing.TB) (url string) {
	t.Helper()
	name := "barong_test_" + strings.ToLower(rand.Text())
	if err := admin(t.Context(), "CREATE DATABASE "+name+" TEMPLATE "+template); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := admin(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			t.Error(err)
		}
	})
	return databaseURL(name)
}

func newPool(t testing.TB, url string, configure ...func(*pgxpool.Config)) *pgxpool.Pool {
	t.Helper()
	pool, err := repository.Open(t.Context(), with(url, "pool_max_conns=8"), configure...) // many tests share the server
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// with adds parameters to a URL.
func with(url, parameters string) string {
	switch {
	case parameters == "":
		return url
	case strings.Contains(url, "?"):
		return url + "&" + parameters
	default:
		return url + "?" + parameters
	}
}
