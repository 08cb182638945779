package barongtest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver pgx

	"barong/internal/embeddedpg"
)

// Database is an installation's database with the tables of one schema.
type Database struct {
	URL    string // for barongdb.Open
	Schema Schema
	SQL    *sql.DB // may write
	// Transit decrypts the columns of 2.6; nil for other schemas.
	Transit *Transit
	mysql   bool
}

// server is what a test binary has started.
var server struct {
	sync.Mutex
	mariadb     *MariaDBServer
	mariadbErr  error
	postgres    *embeddedpg.Server
	postgresDir string
	databases   atomic.Int64
}

// Main runs the tests of a package and stops the servers that they have started.
func Main(m *testing.M) int {
	defer Stop()
	return m.Run()
}

// Stop stops the servers. Main calls it; a package with another TestMain does at its end.
func Stop() {
	server.Lock()
	defer server.Unlock()
	if server.mariadb != nil {
		server.mariadb.Stop()
		server.mariadb = nil
	}
	if server.postgres != nil {
		_ = server.postgres.Stop(context.Background())
		_ = os.RemoveAll(server.postgresDir)
		server.postgres = nil
	}
}

// MariaDB returns a new database of MariaDB. Where its programs are missing, it skips the test, or fails it
// with BARONG_TEST_MARIADB=1.
func MariaDB(t testing.TB, schema Schema) *Database {
	t.Helper()
	s, err := mariaDB(t.Context())
	if errors.Is(err, ErrNoMariaDB) && os.Getenv("BARONG_TEST_MARIADB") == "" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	db, err := s.Database(t.Context(), databaseName(), schema)
	if err != nil {
		t.Fatal(err)
	}
	if schema.encrypted() {
		db.Transit = NewTransit(t)
	}
	t.Cleanup(func() { dropped(t, db) })
	return db
}

// databaseName is one that no other test has, on a server that others may use too.
func databaseName() string {
	return fmt.Sprintf("barong_%d_%d", os.Getpid(), server.databases.Add(1))
}

func mariaDB(ctx context.Context) (*MariaDBServer, error) {
	server.Lock()
	defer server.Unlock()
	if server.mariadb == nil && server.mariadbErr == nil {
		server.mariadb, server.mariadbErr = StartMariaDB(ctx)
		if errors.Is(server.mariadbErr, ErrNoMariaDB) {
			report("tests that read Barong's database were skipped: %s", server.mariadbErr)
		}
	}
	return server.mariadb, server.mariadbErr
}

// Postgres returns a new database of PostgreSQL.
func Postgres(t testing.TB, schema Schema) *Database {
	t.Helper()
	s, err := postgres(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	db, err := postgresDatabase(t.Context(), s, databaseName(), schema)
	if err != nil {
		t.Fatal(err)
	}
	if schema.encrypted() {
		db.Transit = NewTransit(t)
	}
	t.Cleanup(func() { dropped(t, db) })
	return db
}

func postgres(ctx context.Context) (*embeddedpg.Server, error) {
	server.Lock()
	defer server.Unlock()
	if server.postgres != nil {
		return server.postgres, nil
	}
	dir, err := os.MkdirTemp("", "barongtest-")
	if err != nil {
		return nil, err
	}
	s, err := embeddedpg.Start(ctx, embeddedpg.Options{
		Dir: dir, Logger: slog.New(slog.DiscardHandler),
		Settings: map[string]string{"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"},
	})
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	server.postgres, server.postgresDir = s, dir
	return s, nil
}

// Database makes a database with the tables of a schema on the server.
func (s *MariaDBServer) Database(ctx context.Context, name string, schema Schema) (*Database, error) {
	config := mysql.NewConfig()
	config.Net, config.Addr, config.User, config.Passwd = "unix", s.socket, "barong", Password
	config.Params = map[string]string{"sql_mode": "''"} // which admits dates that do not exist
	if err := createDatabase(ctx, "mysql", config.FormatDSN(), name); err != nil {
		return nil, err
	}
	config.DBName = name
	opened, err := sql.Open("mysql", config.FormatDSN())
	if err != nil {
		return nil, err
	}
	address := url.URL{Scheme: "mysql", User: url.UserPassword("barong", Password), Host: s.Address(), Path: "/" + name}
	db := &Database{URL: address.String(), Schema: schema, SQL: opened, mysql: true}
	return db, db.createTables(ctx)
}

func postgresDatabase(ctx context.Context, s *embeddedpg.Server, name string, schema Schema) (*Database, error) {
	if err := createDatabase(ctx, "pgx", s.URL(), name); err != nil {
		return nil, err
	}
	address := strings.Replace(s.URL(), "/barong?", "/"+name+"?", 1)
	opened, err := sql.Open("pgx", address)
	if err != nil {
		return nil, err
	}
	db := &Database{URL: address, Schema: schema, SQL: opened}
	return db, db.createTables(ctx)
}

func createDatabase(ctx context.Context, driver, dsn, name string) error {
	admin, err := sql.Open(driver, dsn)
	if err != nil {
		return err
	}
	defer func() { _ = admin.Close() }()
	_, err = admin.ExecContext(ctx, "CREATE DATABASE "+name)
	return err
}

func (d *Database) createTables(ctx context.Context) error {
	for _, statement := range d.Schema.statements(d.mysql) {
		if _, err := d.SQL.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}

// Exec executes a statement with the placeholder ?.
func (d *Database) Exec(t testing.TB, statement string, args ...any) {
	t.Helper()
	if !d.mysql {
		for i := 1; strings.Contains(statement, "?"); i++ {
			statement = strings.Replace(statement, "?", fmt.Sprintf("$%d", i), 1)
		}
	}
	if _, err := d.SQL.ExecContext(t.Context(), statement, args...); err != nil {
		t.Fatalf("%s: %s", statement, err)
	}
}

// dropped closes a database and, on MariaDB, drops it, for those of tests with many users take room.
func dropped(t testing.TB, d *Database) {
	ctx := context.WithoutCancel(t.Context())
	if d.mysql {
		if _, err := d.SQL.ExecContext(ctx, "DROP DATABASE "+d.URL[strings.LastIndex(d.URL, "/")+1:]); err != nil {
			t.Error(err)
		}
	}
	if err := d.SQL.Close(); err != nil {
		t.Error(err)
	}
}

// report leaves a line for make test, which go test does not show of packages that pass.
func report(format string, args ...any) {
	line := fmt.Sprintf(format+"\n", args...)
	fmt.Fprint(os.Stderr, line)
	if path := os.Getenv("BARONG_TEST_REPORT"); path != "" {
		file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o600)
		if err == nil {
			_, _ = file.WriteString(line)
			_ = file.Close()
		}
	}
}
