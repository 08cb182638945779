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

// Guards that each write of a label leaves one row, with what it changed, and a second one where the
// account followed.
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
		{Account: account(0, "pending"), Labels: change(nil, &verified)},
		{Level: &journal.Change[int]{New: 1}, State: &journal.Change[string]{Old: "pending", New: "active"}},
		{Account: account(1, "active"), Labels: change(&verified, &rejected)},
		{Level: &journal.Change[int]{Old: 1}, State: &journal.Change[string]{Old: "active", New: "pending"}},
		{},
		{Account: account(0, "pending"), Labels: change(&rejected, nil)},
	}
	if !reflect.DeepEqual(changes, want) {
		got, _ := json.MarshalIndent(changes, "", " ")
		t.Errorf("the inbox has %s", got)
	}
}
