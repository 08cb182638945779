package barongsql

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"barong/internal/barongdb/barongtest"
	"barong/repository"
)

func TestMain(m *testing.M) { os.Exit(barongtest.Main(m)) }

const bcrypt = "$2a$11$RxXdeRj7hX6bARdL0MBPbOETyxaqQ6KuZKIJMM6JI3NVaYIOcN962"

// hard is a text with everything that a literal could break on.
const hard = "O'Brien said \"\\' OR 1=1; -- \\\" \\n\" to\r\nŁukasz 😀\t`:x` $1 ? %s \\"

// installation is a database of Barong and how a script is applied to it.
type installation struct {
	*barongtest.Database
	dialect Dialect
	apply   func(t *testing.T, script string) (copies []string)
}

// eachDialect runs a test with every kind of database, in MySQL under settings that give quotes and
// backslashes another meaning.
func eachDialect(t *testing.T, test func(t *testing.T, barong installation)) {
	for _, mode := range []string{"''", "'NO_BACKSLASH_ESCAPES,ANSI_QUOTES,PIPES_AS_CONCAT'"} {
		t.Run("MariaDB with sql_mode "+mode, func(t *testing.T) {
			db := barongtest.MariaDB(t, barongtest.V23)
			test(t, installation{db, MySQL, func(t *testing.T, script string) []string { return applyMySQL(t, db, mode, script) }})
		})
	}
	t.Run("PostgreSQL", func(t *testing.T) {
		db := barongtest.Postgres(t, barongtest.V23)
		test(t, installation{db, Postgres, func(t *testing.T, script string) []string { return applyPostgres(t, db, script) }})
	})
}

func applyMySQL(t *testing.T, db *barongtest.Database, mode, script string) (copies []string) {
	t.Helper()
	at, err := url.Parse(db.URL)
	if err != nil {
		t.Fatal(err)
	}
	config := mysql.NewConfig()
	config.Net, config.Addr, config.User, config.DBName, config.MultiStatements = "tcp", at.Host, at.User.Username(), strings.TrimPrefix(at.Path, "/"), true
	config.Passwd, _ = at.User.Password()
	config.Params = map[string]string{"sql_mode": mode}
	client, err := sql.Open("mysql", config.FormatDSN())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	rows, err := client.QueryContext(t.Context(), script)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for more := true; more; more = rows.NextResultSet() {
		for rows.Next() {
			var object, place string
			if err := rows.Scan(&object, &place); err != nil {
				t.Fatal(err)
			}
			copies = append(copies, object+" "+place)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return copies
}

func applyPostgres(t *testing.T, db *barongtest.Database, script string) (copies []string) {
	t.Helper()
	connection, err := pgx.Connect(t.Context(), db.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close(context.Background())
	// The script sets what it needs.
	results, err := connection.PgConn().Exec(t.Context(), "SET standard_conforming_strings = off; SET timezone = 'Asia/Tokyo'").ReadAll()
	if err != nil {
		t.Fatal(results, err)
	}
	results, err = connection.PgConn().Exec(t.Context(), script).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, result := range results {
		for _, row := range result.Rows {
			copies = append(copies, string(row[0])+" "+string(row[1]))
		}
	}
	return copies
}

// newRepository returns an empty database of this server.
func newRepository(t *testing.T) (*repository.Repository, *pgxpool.Pool) {
	t.Helper()
	beside := barongtest.Postgres(t, barongtest.V23)
	name := fmt.Sprintf("ours_%d", time.Now().UnixNano())
	beside.Exec(t, "CREATE DATABASE "+name)
	at, err := url.Parse(beside.URL)
	if err != nil {
		t.Fatal(err)
	}
	at.Path = "/" + name
	pool, err := repository.Open(t.Context(), at.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	if _, err := repository.Migrate(t.Context(), pool, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	return repository.New(pool), pool
}

func exec(t *testing.T, pool *pgxpool.Pool, statement string, args ...any) {
	t.Helper()
	if _, err := pool.Exec(t.Context(), statement, args...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// table returns the rows of a table of Barong in the order of their ids, with NULL as ∅.
func (i installation) table(t *testing.T, query string) (lines []string) {
	t.Helper()
	rows, err := i.SQL.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		values := make([]sql.NullString, len(names))
		targets := make([]any, len(names))
		for n := range values {
			targets[n] = &values[n]
		}
		if err := rows.Scan(targets...); err != nil {
			t.Fatal(err)
		}
		texts := make([]string, len(names))
		for n, value := range values {
			texts[n] = "∅"
			if value.Valid {
				texts[n] = value.String
			}
		}
		lines = append(lines, strings.Join(texts, "|"))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return lines
}
