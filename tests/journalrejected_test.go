package tests

import (
	"errors"
	"testing"
	"time"

	"barong/internal/identity"
	"barong/internal/journal"
	"barong/repository"
)

// Guards that a write of a label that is not there leaves no trace: it moves neither level nor state, even
// where these are not what the labels make them, and the journal gets no row that nobody is named for.
func TestARejectedWriteOfALabelMovesNothing(t *testing.T) {
	t.Parallel()
	pool := newPool(t, newDatabase(t))
	repo := repository.New(pool)
	status := repository.NewAccountStatus(identity.DefaultPolicy())
	user := newUser("ada@example.com")
	if err := repo.InsertUser(t.Context(), &user, func() string { return identity.NewUID("ID") }); err != nil {
		t.Fatal(err)
	}
	if _, err := pool.Exec(t.Context(), "UPDATE users SET level = 3, state = 'active'"); err != nil {
		t.Fatal(err)
	}
	is := func(level, rows int) {
		t.Helper()
		var hasLevel, hasRows int
		err := pool.QueryRow(t.Context(), "SELECT (SELECT level FROM users), (SELECT count(*) FROM journal_inbox)").Scan(&hasLevel, &hasRows)
		if err != nil || hasLevel != level || hasRows != rows {
			t.Fatalf("the level is %d instead of %d, and the journal has %d rows instead of %d (%v)", hasLevel, level, hasRows, rows, err)
		}
	}
	label := identity.Label{Key: "phone", Value: "verified", Scope: identity.ScopePrivate, UpdatedAt: time.Now()}
	recorded := func() *repository.Repository {
		return repo.Recorded(newRecord(t, journal.Key{ID: [32]byte{1}, Until: time.Now().Add(time.Hour), Enforced: true}))
	}
	if _, err := recorded().PutLabel(t.Context(), user.UID, label, false, status); !errors.Is(err, identity.ErrLabelNotFound) {
		t.Fatal(err)
	}
	is(3, 0)
	if _, err := recorded().DeleteLabel(t.Context(), user.UID, "phone", identity.ScopePrivate, status, time.Now()); !errors.Is(err, identity.ErrRecordNotFound) {
		t.Fatal(err)
	}
	is(3, 0)
	if _, err := recorded().PutLabel(t.Context(), user.UID, label, true, status); err != nil { // the key was not spent
		t.Fatal(err)
	}
	is(0, 1)
}
