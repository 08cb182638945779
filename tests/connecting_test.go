package tests

import (
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
)

// refusingPostgres answers each connection with the SQLSTATE of the moment.
func refusingPostgres(t *testing.T, code func() string) (address string, connections *atomic.Int64) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	connections = new(atomic.Int64)
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			connections.Add(1)
			go func() {
				defer connection.Close()
				_ = connection.SetDeadline(time.Now().Add(5 * time.Second))
				backend := pgproto3.NewBackend(connection, connection)
				if _, err := backend.ReceiveStartupMessage(); err != nil {
					return
				}
				backend.Send(&pgproto3.ErrorResponse{Severity: "FATAL", Code: code(), Message: `password authentication failed for user "barong"`})
				_ = backend.Flush()
			}()
		}
	}()
	return listener.Addr().String(), connections
}

func TestWrongPasswordOfTheDatabaseEndsTheStartAtOnce(t *testing.T) {
	t.Parallel()
	address, connections := refusingPostgres(t, func() string { return "28P01" })
	settings := map[string]string{"BARONG_DATA_DIR": t.TempDir(), "DATABASE_URL": "postgres://barong:geheim@" + address + "/barong?sslmode=disable"}
	for _, args := range [][]string{{"serve"}, {"migrate", "status"}} {
		connections.Store(0)
		_, stderr, exit := barong(t, settings, args...)
		if exit != 1 || !strings.Contains(stderr, `barong: DATABASE_URL: the database refuses the connection: FATAL: password authentication failed for user "barong" (SQLSTATE 28P01)`) {
			t.Errorf("%v: %d %s", args, exit, stderr)
		}
		if asked := connections.Load(); asked > 2 { // one that waits asks twice a second
			t.Errorf("%v asked %d times", args, asked)
		}
		if strings.Contains(stderr, "geheim") || strings.Contains(stderr, "does not answer yet") {
			t.Errorf("%v: %s", args, stderr)
		}
	}
}

// A database that is starting too is waited for, without a line for each attempt.
func TestDatabaseThatIsStartingIsAskedAgainAndLoggedLessAndLess(t *testing.T) {
	t.Parallel()
	began := sync.OnceValue(time.Now)
	address, connections := refusingPostgres(t, func() string {
		if time.Since(began()) < 5*time.Second {
			return "57P03"
		}
		return "28P01"
	})
	settings := map[string]string{"BARONG_DATA_DIR": t.TempDir(), "DATABASE_URL": "postgres://barong:geheim@" + address + "/barong?sslmode=disable"}
	_, stderr, exit := barong(t, settings, "serve")
	if lines := strings.Count(stderr, "does not answer yet"); exit != 1 || lines < 1 || lines > 4 || connections.Load() <= int64(lines) {
		t.Errorf("%d lines for %d attempts, exit status %d:\n%s", lines, connections.Load(), exit, stderr)
	}
}
