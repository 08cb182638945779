package tests

import (
	"errors"
	"testing"

	"barong/repository"
)

// Guards that one server at a time delivers to a receiver, that only it moves the cursor, never back, and
// that a release lets the next one in at once.
func TestOneHolderMovesAnEventCursor(t *testing.T) {
	t.Parallel()
	pool := newPool(t, newDatabase(t))
	repo, ctx := repository.New(pool), t.Context()
	if _, err := pool.Exec(ctx, "UPDATE journal_head SET size = 40"); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second one finds it
		if err := repo.OpenEventCursor(ctx, "amqp"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := pool.Exec(ctx, "UPDATE journal_head SET size = 50"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if seq, err := repo.LeaseEventCursor(ctx, "amqp", "first"); err != nil || seq != 40 {
			t.Fatalf("the first server has %d, %v", seq, err)
		}
	}
	if _, err := repo.LeaseEventCursor(ctx, "amqp", "second"); !errors.Is(err, repository.ErrNotHolder) {
		t.Errorf("a second server has the lease: %v", err)
	}
	if err := repo.AdvanceEventCursor(ctx, "amqp", "second", 45); !errors.Is(err, repository.ErrNotHolder) {
		t.Errorf("a second server moved the cursor: %v", err)
	}
	if err := repo.AdvanceEventCursor(ctx, "amqp", "first", 44); err != nil {
		t.Error(err)
	}
	if err := repo.AdvanceEventCursor(ctx, "amqp", "first", 43); err == nil {
		t.Error("the cursor went back")
	}
	cursors, err := repo.EventCursors(ctx)
	if err != nil || len(cursors) != 1 || cursors[0].Sink != "amqp" || cursors[0].Seq != 44 || cursors[0].Size != 50 || cursors[0].Holder != "first" {
		t.Errorf("the cursors are %+v, %v", cursors, err)
	}
	if err := repo.ReleaseEventCursor(ctx, "amqp", "first"); err != nil {
		t.Error(err)
	}
	if seq, err := repo.LeaseEventCursor(ctx, "amqp", "second"); err != nil || seq != 44 {
		t.Errorf("after the release the second server has %d, %v", seq, err)
	}
	if _, err := pool.Exec(ctx, "UPDATE event_cursors SET until = now() - interval '1 second'"); err != nil {
		t.Fatal(err)
	}
	if _, err := repo.LeaseEventCursor(ctx, "amqp", "third"); err != nil {
		t.Errorf("a lease that has ended is not given to another server: %v", err)
	}
}
