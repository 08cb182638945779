package embeddedpg

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

func TestLogHoldsNoDataOfRowsThatBreakAConstraint(t *testing.T) {
	t.Parallel()
	const secret = "ada@example.com"
	dir := folder(t)
	server := start(t, options(dir))
	ctx := t.Context()
	connection, err := pgx.Connect(ctx, server.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = connection.Close(ctx) }()
	if _, err := connection.Exec(ctx, `
		CREATE TABLE rows (email text UNIQUE, kind text NOT NULL CHECK (kind <> 'wrong'), EXCLUDE USING hash (email WITH =));
		CREATE TABLE parts (email text REFERENCES rows (email));
		INSERT INTO rows VALUES ('`+secret+`', 'right'); INSERT INTO parts VALUES ('`+secret+`')`); err != nil {
		t.Fatal(err)
	}
	failures := 0
	fails := func(err error) {
		t.Helper()
		if failures++; err == nil {
			t.Errorf("statement %d succeeded", failures)
		}
	}
	for _, mode := range []pgx.QueryExecMode{pgx.QueryExecModeCacheStatement, pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol} {
		for _, statement := range []string{
			"INSERT INTO rows VALUES ($1, 'right')", "INSERT INTO rows VALUES ($1, 'wrong')", "INSERT INTO rows VALUES ($1, NULL)",
			"INSERT INTO parts VALUES ('other' || $1)", "DELETE FROM rows WHERE email = $1", "UPDATE rows SET kind = 'wrong' WHERE email = $1",
			"INSERT INTO rows SELECT $1, 'right' FROM generate_series(1, 2)", "SELECT 1 / (length($1) - 15)",
		} {
			_, err := connection.Exec(ctx, statement, mode, secret)
			fails(err)
		}
	}
	_, err = connection.CopyFrom(ctx, pgx.Identifier{"rows"}, []string{"email", "kind"}, pgx.CopyFromRows([][]any{{secret, "right"}}))
	fails(err)
	_, err = connection.PgConn().CopyFrom(ctx, strings.NewReader(secret+"\twrong\n"), "COPY rows FROM STDIN")
	fails(err)
	log, err := os.ReadFile(filepath.Join(dir, "postgres.log"))
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(string(log), "ERROR:"); got < failures {
		t.Errorf("%d of %d errors are in the log", got, failures)
	}
	for line := range strings.Lines(string(log)) {
		if strings.Contains(line, secret) {
			t.Errorf("the log has %s", line)
		}
	}
}
