package tests

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"barong/internal/identity"
	"barong/internal/journal"
	"barong/repository"
)

// newRecord is the record of a write by nobody in particular.
func newRecord(t testing.TB, keys ...journal.Key) *journal.Record {
	t.Helper()
	entry, err := uuid.NewV7()
	if err != nil {
		t.Fatal(err)
	}
	return &journal.Record{
		Entry: entry, At: time.Now(), Operation: "test", Form: journal.Command, Signers: []string{"cli:test"},
		Parameters: make([]byte, 32), Salt: make([]byte, 16), Keys: keys,
	}
}

// changesInInbox returns the changes of each row of the inbox, in order.
func changesInInbox(t testing.TB, repo interface {
	Query(sql string) pgx.Rows
},
) (found []journal.Changes) {
	t.Helper()
	rows := repo.Query("SELECT changed FROM journal_inbox ORDER BY id")
	texts, err := pgx.CollectRows(rows, pgx.RowTo[json.RawMessage])
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range texts {
		var c journal.Changes
		if err := json.Unmarshal(text, &c); err != nil {
			t.Fatal(err)
		}
		found = append(found, c)
	}
	return found
}

type inbox func(sql string) pgx.Rows

func (i inbox) Query(sql string) pgx.Rows { return i(sql) }

// Guards that each write of a label leaves one row, with what it changed, and with the account where that
// followed.
func TestWritesOfLabelsAreRecorded(t *testing.T) {
	t.Parallel()
	pool := newPool(t, newDatabase(t))
	repo := repository.New(pool)
	status := repository.NewAccountStatus(identity.DefaultPolicy())
	user := newUser("ada@example.com")
	if err := repo.InsertUser(t.Context(), &user, func() string { return identity.NewUID("ID") }); err != nil {
		t.Fatal(err)
	}
	label := func(value string) identity.Label {
		return identity.Label{Key: "email", Value: value, Scope: identity.ScopePrivate, UpdatedAt: time.Now()}
	}
	if err := repo.Recorded(newRecord(t)).CreateLabel(t.Context(), user.UID, label("verified"), status); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second one changes nothing
		if _, err := repo.Recorded(newRecord(t)).PutLabel(t.Context(), user.UID, label("rejected"), true, status); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := repo.Recorded(newRecord(t)).DeleteLabel(t.Context(), user.UID, "email", identity.ScopePrivate, status, time.Now()); err != nil {
		t.Fatal(err)
	}
	if _, err := repo.Recorded(newRecord(t)).DeleteLabel(t.Context(), user.UID, "email", identity.ScopePrivate, status, time.Now()); err == nil {
		t.Fatal("a label that is gone was deleted")
	}
	if _, err := repo.WithoutJournal().Recorded(newRecord(t)).PutLabel(t.Context(), user.UID, label("other"), true, status); err != nil {
		t.Fatal(err)
	}
	changes := changesInInbox(t, inbox(func(sql string) pgx.Rows {
		rows, err := pool.Query(t.Context(), sql)
		if err != nil {
			t.Fatal(err)
		}
		return rows
	}))
	verified, rejected := "verified", "rejected"
	account := func(level int, state string) *journal.Account {
		return &journal.Account{Level: level, State: state, Role: "member"}
	}
	change := func(old, value *string) []journal.LabelChange {
		return []journal.LabelChange{{ID: 1, Key: "email", Scope: "private", Old: old, New: value}}
	}
	want := []journal.Changes{
		{
			Account: account(0, "pending"), Labels: change(nil, &verified),
			Level: &journal.Change[int]{New: 1}, State: &journal.Change[string]{Old: "pending", New: "active"},
		},
		{
			Account: account(1, "active"), Labels: change(&verified, &rejected),
			Level: &journal.Change[int]{Old: 1}, State: &journal.Change[string]{Old: "active", New: "pending"},
		},
		{},
		{Account: account(0, "pending"), Labels: change(&rejected, nil)},
	}
	if !reflect.DeepEqual(changes, want) {
		got, _ := json.MarshalIndent(changes, "", " ")
		t.Errorf("the inbox has %s", got)
	}
}

// Guards that recording a write and spending its keys adds no round trip, and that the first question of an
// operation asks for spent keys in its own.
func TestRecordedWritesAreOneRoundTrip(t *testing.T) {
	t.Parallel()
	url := newDatabase(t)
	repo, counted := countedRepository(t, url)
	status := repository.NewAccountStatus(identity.DefaultPolicy())
	keyed := func() *repository.Repository {
		record := newRecord(t)
		for _, kind := range []journal.KeyKind{journal.KeyOfHeader, journal.KeyOfJTI} {
			key := journal.NewKey(kind, "backend", unique("key"), "test", [32]byte{})
			key.Until, key.Enforced = time.Now().Add(time.Hour), kind == journal.KeyOfHeader
			record.Keys = append(record.Keys, key)
		}
		return repo.Recorded(record)
	}
	someone := newUser(unique("user") + "@example.com")
	newUID := func() string { return identity.NewUID("ID") }
	if err := repo.InsertUser(t.Context(), &someone, newUID); err != nil {
		t.Fatal(err)
	}
	for name, operation := range map[string]func() error{
		"import": func() error {
			user := newUser(unique("user") + "@example.com")
			user.Labels = []identity.Label{{Key: "email", Value: "verified", Scope: identity.ScopePrivate}}
			return keyed().InsertUser(t.Context(), &user, newUID)
		},
		"label": func() error {
			_, err := keyed().PutLabel(t.Context(), someone.UID, identity.Label{Key: "email", Value: unique("value"), Scope: identity.ScopePrivate, UpdatedAt: time.Now()}, true, status)
			return err
		},
		"e-mail taken": func() error { _, err := keyed().EmailTaken(t.Context(), "x@example.com"); return err },
		"user exists":  func() error { return keyed().UserExists(t.Context(), someone.UID) },
		"look-up":      func() error { _, err := keyed().SpentKeys(t.Context()); return err },
	} {
		for attempt := range 3 { // statements are prepared the first time
			counted.n = 0
			if err := operation(); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if attempt == 2 && counted.n != 1 {
				t.Errorf("%s took %d round trips", name, counted.n)
			}
		}
	}
}

// Guards what the journal keeps of a new user, and that a sweep deletes expired keys only.
func TestNewUsersAreRecordedAndKeysSwept(t *testing.T) {
	t.Parallel()
	pool := newPool(t, newDatabase(t))
	repo := repository.New(pool)
	now := time.Now()
	old, fresh := journal.NewKey(journal.KeyOfHeader, "a", "old", "test", [32]byte{}), journal.NewKey(journal.KeyOfHeader, "a", "fresh", "test", [32]byte{})
	old.Until, fresh.Until, old.Enforced, fresh.Enforced = now.Add(-time.Second), now.Add(time.Hour), true, true
	user := newUser("ada@example.com")
	user.CreatedAt, user.UpdatedAt = now, now
	user.Labels = []identity.Label{{Key: "profile", Value: "verified", Scope: identity.ScopePrivate}}
	user.Phones = []identity.Phone{{Country: "GB", Number: "447900000001"}}
	user.Profiles = []identity.Profile{{State: "partial", Review: "drafted"}}
	if err := repo.Recorded(newRecord(t, old, fresh)).InsertUser(t.Context(), &user, func() string { return identity.NewUID("ID") }); err != nil {
		t.Fatal(err)
	}
	changes := changesInInbox(t, inbox(func(sql string) pgx.Rows {
		rows, err := pool.Query(t.Context(), sql)
		if err != nil {
			t.Fatal(err)
		}
		return rows
	}))
	verified := "verified"
	want := []journal.Changes{{
		Account: &journal.Account{Level: user.Level, State: user.State, Role: user.Role}, Created: true, Fields: []string{"email", "password"},
		Labels:  []journal.LabelChange{{ID: 1, Key: "profile", Scope: "private", New: &verified}},
		Profile: &journal.Profile{Number: 1, State: "drafted"}, Phone: &journal.Phone{ID: 1},
	}}
	if !reflect.DeepEqual(changes, want) {
		got, _ := json.MarshalIndent(changes, "", " ")
		t.Errorf("the inbox has %s", got)
	}
	if swept, err := repo.SweepKeys(t.Context(), now); err != nil || swept != 1 {
		t.Errorf("%d keys were swept, %v", swept, err)
	}
	if left, err := repo.Recorded(newRecord(t, old, fresh)).SpentKeys(t.Context()); err != nil || len(left) != 1 || left[0].ID[0] != fresh.ID[0] {
		t.Errorf("%v, %v", left, err)
	}
}

// Guards that no write searches the inbox, also by a plan that was made while it was empty: while nobody
// seals, any number of rows wait there.
func TestWritesDoNotReadTheRowsThatWait(t *testing.T) {
	t.Parallel()
	url := newDatabase(t)
	writing := newPool(t, with(url, "pool_max_conns=1"))
	repo := repository.New(writing)
	status := repository.NewAccountStatus(identity.DefaultPolicy())
	user := newUser("ada@example.com")
	if err := repo.InsertUser(t.Context(), &user, func() string { return identity.NewUID("ID") }); err != nil {
		t.Fatal(err)
	}
	write := func() {
		for _, value := range []string{"verified", "rejected"} {
			label := identity.Label{Key: "email", Value: value, Scope: identity.ScopePrivate, UpdatedAt: time.Now()}
			if _, err := repo.Recorded(newRecord(t)).PutLabel(t.Context(), user.UID, label, true, status); err != nil {
				t.Fatal(err)
			}
			if _, err := repo.Recorded(newRecord(t)).InsertDocument(t.Context(), user.UID, identity.Document{
				Type: "Passport", Number: "1", CreatedAt: time.Now(), File: identity.File{Size: 1, Object: unique("object"), Digest: make([]byte, 32)},
			}, true, status); err != nil {
				t.Fatal(err)
			}
		}
	}
	pool := newPool(t, url)
	if _, err := pool.Exec(t.Context(), "VACUUM ANALYZE journal_inbox"); err != nil { // now the planner takes it for small
		t.Fatal(err)
	}
	for range 6 { // Postgres keeps a plan after five executions
		write()
	}
	const waiting = 5000
	fillInbox(t, pool, waiting)
	write()
	writing.Close() // reports its statistics
	var read int64
	for began := time.Now(); time.Since(began) < time.Minute; time.Sleep(50 * time.Millisecond) {
		var inserted int64
		if err := pool.QueryRow(t.Context(), "SELECT seq_tup_read, n_tup_ins FROM pg_stat_user_tables WHERE relname = 'journal_inbox'").Scan(&read, &inserted); err != nil {
			t.Fatal(err)
		}
		if inserted >= 7*4 { // those of the filling may come later
			break
		}
	}
	if read >= waiting {
		t.Errorf("%d rows were read", read)
	}
}
