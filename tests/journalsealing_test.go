package tests

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/mod/sumdb/tlog"

	"barong/internal/identity"
	"barong/internal/journal"
	"barong/repository"
)

// seal seals everything that waits.
func seal(t testing.TB, repo *repository.Repository) (head repository.JournalHead) {
	t.Helper()
	for moved := 1; moved > 0; {
		var err error
		if head, moved, err = repo.Seal(t.Context(), head); err != nil {
			t.Fatal(err)
		}
	}
	return head
}

// sealedRows returns the whole journal, and fails where its numbers are not dense or a row is not in the tree.
func sealedRows(t testing.TB, repo *repository.Repository) (rows []journal.Sealed) {
	t.Helper()
	ctx := t.Context()
	for after := int64(0); ; {
		page, err := repo.SealedAfter(ctx, after, 1000)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		rows = append(rows, page...)
		after = page[len(page)-1].Seq
	}
	head, err := repo.JournalHead(ctx)
	if err != nil || head.Size != int64(len(rows)) {
		t.Fatalf("the journal has %d rows, and its head says %d, %v", len(rows), head.Size, err)
	}
	reader := repo.JournalReader(ctx)
	root, err := tlog.TreeHash(head.Size, reader)
	if err != nil {
		t.Fatal(err)
	}
	for i := range rows {
		if rows[i].Seq != int64(i)+1 {
			t.Fatalf("row %d has the number %d", i+1, rows[i].Seq)
		}
		if i > 0 && rows[i].SealedAt.Before(rows[i-1].SealedAt) {
			t.Fatalf("row %d was sealed before row %d", i+1, i)
		}
		hash, err := rows[i].Hash()
		if err != nil {
			t.Fatal(err)
		}
		if i%97 > 0 && i < len(rows)-1 {
			continue
		}
		proof, err := tlog.ProveRecord(head.Size, int64(i), reader)
		if err != nil {
			t.Fatal(err)
		}
		if err := tlog.CheckRecord(proof, head.Size, root, int64(i), hash); err != nil {
			t.Fatalf("row %d: %v", i+1, err)
		}
	}
	return rows
}

// labelled makes a user with writes of one label.
type labelled struct {
	uid    string
	status *repository.AccountStatus
}

func newLabelled(t testing.TB, repo *repository.Repository) labelled {
	t.Helper()
	user := newUser(unique("user") + "@example.com")
	if err := repo.InsertUser(t.Context(), &user, func() string { return identity.NewUID("ID") }); err != nil {
		t.Fatal(err)
	}
	return labelled{user.UID, repository.NewAccountStatus(identity.DefaultPolicy())}
}

func (l labelled) put(ctx context.Context, repo *repository.Repository, record *journal.Record, value string) error {
	_, err := repo.Recorded(record).PutLabel(ctx, l.uid, identity.Label{Key: "email", Value: value, Scope: identity.ScopePrivate, UpdatedAt: time.Now()}, true, l.status)
	return err
}

// Guards that a write is sealed as one row, with the changes of the label and of the account.
func TestSealedRowHasTheLabelAndTheAccount(t *testing.T) {
	t.Parallel()
	repo := repository.New(newPool(t, newDatabase(t)))
	user := newLabelled(t, repo)
	record := newRecord(t)
	if err := user.put(t.Context(), repo, record, "verified"); err != nil {
		t.Fatal(err)
	}
	if head := seal(t, repo); head.Size != 1 {
		t.Fatalf("%d rows are sealed", head.Size)
	}
	row := sealedRows(t, repo)[0]
	changes, err := row.Changes()
	if err != nil {
		t.Fatal(err)
	}
	if row.Entry != record.Entry || *row.UID != user.uid || len(changes.Labels) != 1 || changes.Level == nil || *changes.Level != (journal.Change[int]{New: 1}) ||
		changes.Account == nil || changes.Account.State != "pending" || changes.State == nil || changes.State.New != "active" {
		t.Errorf("the row is %+v with %s", row, row.Changed)
	}
	if !row.WrittenAt.Equal(record.At.Truncate(time.Microsecond)) || row.Operation != "test" || len(row.Salt) != 16 {
		t.Errorf("the record became %+v", row)
	}
}

// checkChains fails unless the old value of the label in each row of a user is the new value of the row before.
func checkChains(t testing.TB, rows []journal.Sealed) {
	t.Helper()
	last := map[string]string{}
	entries := map[string]bool{}
	for i := range rows {
		if entry := rows[i].Entry.String(); entries[entry] {
			t.Errorf("the write %s is sealed twice", entry)
		} else {
			entries[entry] = true
		}
		changes, err := rows[i].Changes()
		if err != nil {
			t.Fatal(err)
		}
		for _, label := range changes.Labels {
			old := ""
			if label.Old != nil {
				old = *label.Old
			}
			if last[*rows[i].UID] != old {
				t.Errorf("row %d: the old value is %q, and the new one of the row before was %q", rows[i].Seq, old, last[*rows[i].UID])
			}
			last[*rows[i].UID] = *label.New
		}
	}
}

// Guards that no write is lost, doubled or out of order where eight writers write, transactions are held
// open, one is open in another database, and two servers seal at once.
func TestTwoSealersNumberTheWritesOfManyWritersInOrder(t *testing.T) {
	t.Parallel()
	url := newDatabase(t)
	pool := newPool(t, with(url, "pool_max_conns=12"))
	repo := repository.New(pool)
	elsewhere, err := newPool(t, newDatabase(t)).Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer elsewhere.Rollback(context.Background())
	if _, err := elsewhere.Exec(t.Context(), "INSERT INTO journal_inbox (entry, record, changed) VALUES (gen_random_uuid(), '{}', '{}')"); err != nil {
		t.Fatal(err)
	}
	users := []labelled{newLabelled(t, repo), newLabelled(t, repo), newLabelled(t, repo)}
	const writers, each = 8, 40
	stop := make(chan struct{})
	var sealing, writing sync.WaitGroup
	for range 2 {
		sealer := repository.New(newPool(t, url))
		sealing.Go(func() {
			var head repository.JournalHead
			for {
				select {
				case <-stop:
					return
				default:
				}
				var err error
				if head, _, err = sealer.Seal(context.Background(), head); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	var written atomic.Int64
	for w := range writers {
		writing.Go(func() {
			for n := range each {
				user := users[rand.N(len(users))]
				err := repo.InTx(context.Background(), func(tx *repository.Repository) error {
					if err := user.put(context.Background(), tx, newRecord(t), fmt.Sprintf("value %d of %d", n, w)); err != nil {
						return err
					}
					if n%10 == 0 { // held, while later ids are sealed
						time.Sleep(rand.N(200 * time.Millisecond))
					}
					return nil
				})
				if err != nil {
					t.Error(err)
				}
				written.Add(1)
			}
		})
	}
	writing.Wait()
	close(stop)
	sealing.Wait()
	seal(t, repo)
	rows := sealedRows(t, repo)
	if int64(len(rows)) != written.Load() || len(rows) != writers*each {
		t.Errorf("%d rows are sealed of %d writes", len(rows), written.Load())
	}
	checkChains(t, rows)
}

// interrupter ends the connection of a sealer before its n-th statement.
type interrupter struct {
	at, seen int
}

func (i *interrupter) TraceQueryStart(ctx context.Context, conn *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	i.seen++
	if i.seen == i.at {
		_ = conn.PgConn().Conn().Close()
	}
	return ctx
}

func (*interrupter) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func (i *interrupter) TraceCopyFromStart(ctx context.Context, conn *pgx.Conn, _ pgx.TraceCopyFromStartData) context.Context {
	return i.TraceQueryStart(ctx, conn, pgx.TraceQueryStartData{})
}

func (*interrupter) TraceCopyFromEnd(context.Context, *pgx.Conn, pgx.TraceCopyFromEndData) {}

// Guards that a sealer that dies before any of its statements, the commit included, leaves all rows where
// they were: the next one seals each of them once.
func TestSealerThatDiesInAnyStepLosesNothing(t *testing.T) {
	t.Parallel()
	url := newDatabase(t)
	observer := newPool(t, url)
	repo := repository.New(observer)
	user := newLabelled(t, repo)
	written, died := 0, 0
	for step := 1; ; step++ {
		for range 3 {
			written++
			if err := user.put(t.Context(), repo, newRecord(t), "value "+strconv.Itoa(written)); err != nil {
				t.Fatal(err)
			}
		}
		tracer := &interrupter{at: step}
		pool := newPool(t, with(url, "pool_max_conns=1"), func(c *pgxpool.Config) { c.ConnConfig.Tracer = tracer })
		_, moved, err := repository.New(pool).Seal(t.Context(), repository.JournalHead{})
		if err == nil && tracer.seen < step { // it had no such statement
			if moved == 0 {
				t.Error("the sealer that nobody interrupted moved nothing")
			}
			break
		}
		if err == nil {
			t.Fatalf("the sealer that died in statement %d of %d reports no error", step, tracer.seen)
		}
		died++
		sealedRows(t, repo)
		eventually(t, "the transaction of the sealer has ended", func() bool {
			var open int
			err := observer.QueryRow(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'").Scan(&open)
			return err == nil && open == 0
		})
	}
	if died < 6 {
		t.Errorf("the sealer died in %d steps only", died)
	}
	seal(t, repo)
	rows := sealedRows(t, repo)
	if len(rows) != written {
		t.Errorf("%d rows are sealed of %d", len(rows), written)
	}
	checkChains(t, rows)
}

// Guards that rows of several passes make one tree over several levels of tiles.
func TestSealingInManyPassesMakesOneTree(t *testing.T) {
	t.Parallel()
	pool := newPool(t, newDatabase(t))
	repo := repository.New(pool)
	fillInbox(t, pool, repository.SealingPass+5)
	if head := seal(t, repo); head.Size != repository.SealingPass+5 {
		t.Fatalf("%d rows are sealed", head.Size)
	}
	if rows := sealedRows(t, repo); len(rows) != repository.SealingPass+5 {
		t.Errorf("%d rows are there", len(rows))
	}
}

// fillInbox puts rows of nobody into the inbox.
func fillInbox(t testing.TB, pool *pgxpool.Pool, rows int) {
	t.Helper()
	record := newRecord(t)
	changed, err := json.Marshal(journal.Changes{Account: &journal.Account{State: "active", Role: "member"}, Fields: []string{"data"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pool.Exec(t.Context(), `INSERT INTO journal_inbox (entry, uid, record, salt, changed)
		SELECT gen_random_uuid(), 'ID' || n % 1000, $1, $2, $3 FROM generate_series(1, $4::int) AS n`, record.Text(), record.Salt, changed, rows); err != nil {
		t.Fatal(err)
	}
}

// Guards that a sealer seals nothing on a journal that is shorter than it was, and that a new epoch ends
// that.
func TestShorterJournalIsAForkUntilANewEpochIsOpened(t *testing.T) {
	t.Parallel()
	pool := newPool(t, newDatabase(t))
	repo := repository.New(pool)
	fillInbox(t, pool, 5)
	before := seal(t, repo)
	for _, lose := range []string{"DELETE FROM journal WHERE seq > 3", "UPDATE journal_head SET size = 3", "UPDATE journal_tiles SET hashes = substr(hashes, 1, 96)"} {
		if _, err := pool.Exec(t.Context(), lose); err != nil {
			t.Fatal(err)
		}
	}
	fillInbox(t, pool, 2)
	if _, _, err := repo.Seal(t.Context(), before); !errors.Is(err, repository.ErrForked) {
		t.Errorf("sealing on a shorter journal: %v", err)
	}
	root, err := tlog.TreeHash(3, repo.JournalReader(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	row, err := repo.Fork(t.Context(), "a standby without the last commits took over", journal.Checkpoint{Size: before.Size, Epoch: 1}, newRecord(t))
	if err != nil {
		t.Fatal(err)
	}
	changes, err := row.Changes()
	if err != nil || row.Seq != 4 || changes.Fork == nil || changes.Fork.Epoch != 2 || changes.Fork.Size != 3 || changes.Fork.Root != root.String() || changes.Fork.LostSize != 5 {
		t.Errorf("the first row of the epoch is %+v: %s, %v", row, row.Changed, err)
	}
	head, moved, err := repo.Seal(t.Context(), before)
	if err != nil || moved != 2 || head.Epoch != 2 {
		t.Errorf("sealing in the new epoch: %+v, %d moved, %v", head, moved, err)
	}
	sealedRows(t, repo)
}
