package tests

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"barong/repository"
)

// total is the header of an answer to a list.
func (x answer) total(t testing.TB) int {
	t.Helper()
	n, err := strconv.Atoi(x.header.Get("Total"))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestTotalHasWhatItsCallerHasJustCreated(t *testing.T) {
	t.Parallel()
	a := start(t)
	created := concurrently(func(i int) answer {
		var last answer
		for j := range 3 {
			last = a.call(envelopeForm, "importUser", parameters{"email": fmt.Sprintf("user%d-%d@example.com", i, j), "password_digest": digest})
			if last.status != http.StatusCreated {
				return last
			}
			if n := a.call(envelopeForm, "listUsers", parameters{"limit": 1}).total(t); n < j+1 {
				t.Errorf("%d users after %d were created here", n, j+1)
			}
		}
		return last
	})
	if won := count(created, http.StatusCreated); won != clients {
		t.Fatalf("%d of %d created users: %v", won, clients, created)
	}
	// What is refused is not counted.
	a.call(envelopeForm, "importUser", parameters{"email": "user1-1@example.com", "password_digest": digest})
	if n := a.must("listUsers", nil).total(t); n != 3*clients || a.rows()[0] != n {
		t.Errorf("Total is %d, %d users are there, want %d", n, a.rows()[0], 3*clients)
	}
}

func TestSmallTotalOfAFilterHasTheLabelThatItsCallerHasJustWritten(t *testing.T) {
	t.Parallel()
	a := start(t)
	for n := range 4 {
		for _, given := range []parameters{{"key": "club"}, {"key": "club", "from": 0}} {
			if got := a.must("filterUsersByLabel", given).total(t); got != n {
				t.Errorf("%v: %d of %d users with the label are counted", given, got, n)
			}
		}
		if got := a.must("listUsers", parameters{"from": 0}).total(t); got != n {
			t.Errorf("%d of %d users are counted", got, n)
		}
		a.label(a.user(nil), "club", "gold")
	}
}

func TestRecountMendsTheTotalWhileUsersArrive(t *testing.T) {
	t.Parallel()
	pool := newPool(t, newDatabase(t))
	repo := repository.New(pool)
	insertRows(t, pool, `INSERT INTO users (id, uid, email, email_folded, password_digest, created_at, updated_at)
		SELECT i * 7000, 'ID' || i, i || '@example.com', i || '@example.com', '', now(), now() FROM generate_series(1, 100) AS i`)
	if found, err := repo.RecountUsers(t.Context()); err != nil || found != (repository.Recounted{Total: 100, Missed: 100, Wrong: 100}) {
		t.Errorf("found %+v, %v", found, err)
	}
	insertRows(t, pool, `DELETE FROM users WHERE id < 70000`)
	if found, err := repo.RecountUsers(t.Context()); err != nil || found != (repository.Recounted{Total: 91, Missed: -9, Wrong: 9}) {
		t.Errorf("found %+v, %v", found, err)
	}
	insertRows(t, pool, `UPDATE users SET id = id + 7000 * 100 WHERE id = 70000`)
	if found, err := repo.RecountUsers(t.Context()); err != nil || found != (repository.Recounted{Total: 91, Missed: 0, Wrong: 2}) {
		t.Errorf("found %+v, %v", found, err)
	}
	// Recounts and writers at once: nothing is counted twice, nothing missed.
	insertRows(t, pool, `SELECT setval(pg_get_serial_sequence('users', 'id'), 100000)`)
	failed := make(chan error)
	go func() {
		for range 100 {
			user := newUser(unique("user") + "@example.com")
			if err := repo.InsertUser(context.WithoutCancel(t.Context()), &user, func() string { return unique("ID") }); err != nil {
				failed <- err
				break
			}
		}
		close(failed)
	}()
	for range 2 {
		go func() {
			_, _ = repo.RecountUsers(context.WithoutCancel(t.Context()))
		}()
	}
	for range 10 {
		if found, err := repo.RecountUsers(t.Context()); err != nil || found.Missed != 0 || found.Wrong != 0 {
			t.Errorf("found %+v, %v", found, err)
		}
	}
	if err := <-failed; err != nil {
		t.Fatal(err)
	}
	if found, err := repo.RecountUsers(t.Context()); err != nil || found != (repository.Recounted{Total: 191}) {
		t.Errorf("found %+v, %v", found, err)
	}
}

func TestMigrationCountsTheUsersThatAreThere(t *testing.T) {
	t.Parallel()
	pool := newPool(t, newDatabase(t))
	insertRows(t, pool, `DROP TABLE webhook_endpoints, webhook_dead, webhook_lanes, event_cursors, idempotency_keys, signer_keys, journal_checkpoints, journal_tiles, journal_head, journal, journal_inbox, user_counts, import_runs, imported_users, imported_documents, former_profiles, api_keys, service_accounts, attachments`) // of the later steps, which are taken again
	insertRows(t, pool, `ALTER TABLE labels DROP COLUMN description`)
	insertRows(t, pool, `ALTER TABLE profiles DROP COLUMN review, DROP COLUMN number`)
	insertRows(t, pool, `ALTER TABLE users DROP COLUMN email_key`)
	insertRows(t, pool, `DELETE FROM goose_db_version WHERE version_id >= 4`)
	insertRows(t, pool, `INSERT INTO users (id, uid, email, email_folded, password_digest, created_at, updated_at)
		SELECT i * 100000, 'ID' || i, i || '@example.com', i || '@example.com', '', now(), now() FROM generate_series(1, 50) AS i`)
	if _, err := repository.Migrate(t.Context(), pool, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	repo := repository.New(pool)
	users, total, err := repo.ListUsers(t.Context(), repository.Range{}, repository.Page{Number: 5, Size: 10})
	if err != nil || total != 50 || len(users) != 10 || users[9].UID != "ID50" {
		t.Errorf("%d users in all, %d on the last page, %v", total, len(users), err)
	}
	if found, err := repo.RecountUsers(t.Context()); err != nil || found.Wrong != 0 {
		t.Errorf("the migration missed %+v, %v", found, err)
	}
}

func insertRows(t testing.TB, pool *pgxpool.Pool, statement string, args ...any) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := pool.Exec(ctx, statement, args...); err != nil {
		t.Fatal(err)
	}
}
