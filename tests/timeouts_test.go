package tests

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"barong/repository"
)

// holdLock takes a lock in another transaction, which ends with release or with the test.
func holdLock(t testing.TB, pool *pgxpool.Pool, statement string) (release func()) {
	t.Helper()
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	release = func() {
		if err := tx.Rollback(context.Background()); err != nil && !errors.Is(err, pgx.ErrTxClosed) {
			t.Error(err)
		}
	}
	t.Cleanup(release)
	if _, err := tx.Exec(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
	return release
}

// lockUsers has somebody else hold the rows of all users until release is called.
func (a *api) lockUsers() (release func()) {
	a.t.Helper()
	connection, err := pgx.Connect(a.t.Context(), databaseURL(a.pool.Config().ConnConfig.Database))
	if err != nil {
		a.t.Fatal(err)
	}
	if _, err := connection.Exec(a.t.Context(), "BEGIN; SELECT 1 FROM users FOR UPDATE"); err != nil {
		a.t.Fatal(err)
	}
	release = func() { _ = connection.Close(context.Background()) }
	a.t.Cleanup(release)
	return release
}

// Whatever ends the wait for a lock, the caller is told to come back, the operator
// that time ran out, and nobody waits in the database any longer.
func TestWaitForALockEndsInTime(t *testing.T) {
	t.Parallel()
	const requestTime = 15 * time.Second // of which lock_timeout is a third
	for name, change := range map[string]func(*setup){
		"by the request's deadline": func(s *setup) { s.timeout, s.database = 5*time.Second, "lock_timeout=0" },
		"by lock_timeout":           func(s *setup) { s.timeout = requestTime },
		"by statement_timeout":      func(s *setup) { s.timeout, s.database = requestTime, "lock_timeout=0&statement_timeout=3000" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := start(t, change)
			uid := a.user(nil)
			release := a.lockUsers()
			begin := time.Now()
			got := a.call(envelopeForm, "createLabel", parameters{"user_uid": uid, "key": "email", "value": "verified"})
			got.refused(t, http.StatusServiceUnavailable, "The database is not available, try again later")
			if got.header.Get("Retry-After") == "" || !strings.Contains(a.log.String(), "reason=timed_out") {
				t.Errorf("Retry-After %q, log %s", got.header.Get("Retry-After"), a.log)
			}
			if took := time.Since(begin); took >= requestTime {
				t.Errorf("it took %s", took)
			}
			eventually(t, "nobody waits for the lock", func() bool {
				var waiting int
				err := a.pool.QueryRow(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'").Scan(&waiting)
				return err == nil && waiting == 0
			})
			release()
			a.label(uid, "email", "verified")
		})
	}
}

func TestConnectionsEndWhatNoRequestWaitsForAnyLonger(t *testing.T) {
	t.Parallel()
	url := newDatabase(t)
	for _, c := range []struct {
		parameters string
		request    time.Duration
		want       string // statement, lock, idle in transaction
	}{
		{"", 90 * time.Second, "90s 30s 90s"},
		{"", 30 * time.Second, "1min 10s 30s"}, // a count in the background has a minute
		{"", 0, "0 0 0"},
		{"statement_timeout=5000&lock_timeout=0", 90 * time.Second, "5s 0 90s"},
		{"default_query_exec_mode=exec", 90 * time.Second, "0 0 0"}, // poolers take no such parameters
	} {
		pool := newPool(t, with(url, c.parameters), repository.Timeouts(c.request))
		var got string
		if err := pool.QueryRow(t.Context(), `SELECT current_setting('statement_timeout') || ' ' || current_setting('lock_timeout') || ' ' ||
			current_setting('idle_in_transaction_session_timeout')`).Scan(&got); err != nil || got != c.want {
			t.Errorf("%s for %s: %s, %v, want %s", c.parameters, c.request, got, err, c.want)
		}
	}
}

func TestMigrationsTakeAsLongAsTheyTake(t *testing.T) {
	t.Parallel()
	url := newDatabase(t)
	pool := newPool(t, url, repository.Timeouts(time.Second))
	for _, statement := range []string{
		"DROP SCHEMA public CASCADE", "CREATE SCHEMA public",
		"ALTER DATABASE " + pool.Config().ConnConfig.Database + " SET statement_timeout = 1",
	} {
		if _, err := pool.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := repository.Migrate(t.Context(), pool, slog.New(slog.DiscardHandler)); err != nil {
		t.Error(err)
	}
}
