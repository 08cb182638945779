package repository

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestTotalIsCountedOnceForAllWhoWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		totals, l := newTotals(), labelledUsers(LabelFilter{Key: "tier"}, Range{})
		defer totals.kept.StopAllGoroutines()
		counted := 0
		release := make(chan struct{})
		count := func(ctx context.Context) (int64, error) {
			counted++
			<-release
			return 5000, ctx.Err()
		}
		impatient, cancel := context.WithCancel(t.Context())
		var waiting sync.WaitGroup
		waiting.Go(func() {
			if _, err := totals.of(impatient, l, count); !errors.Is(err, context.Canceled) {
				t.Errorf("who gave up got %v", err)
			}
		})
		synctest.Wait()
		for range 20 {
			waiting.Go(func() {
				if got, err := totals.of(t.Context(), l, count); err != nil || got.users != 5000 || got.small {
					t.Errorf("got %+v, %v", got, err)
				}
			})
		}
		// The caller that counts gives up while the others wait for its count.
		synctest.Wait()
		cancel()
		synctest.Wait()
		close(release)
		waiting.Wait()
		if counted != 1 {
			t.Errorf("counted %d times", counted)
		}
	})
}

func TestTotalIsKeptInProportionToWhatItCost(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		cost, kept time.Duration
		users      int64
	}{
		{50 * time.Millisecond, 5 * time.Second, 2000},
		{2 * time.Second, time.Minute, 2000},
	} {
		synctest.Test(t, func(t *testing.T) {
			totals, l, counted := newTotals(), allUsers(Range{From: new(int64)}), 0
			defer totals.kept.StopAllGoroutines()
			ask := func() {
				if _, err := totals.of(t.Context(), l, func(context.Context) (int64, error) {
					counted++
					time.Sleep(c.cost)
					return c.users, nil
				}); err != nil {
					t.Error(err)
				}
			}
			ask()
			time.Sleep(c.kept - c.kept/20)
			ask()
			if counted != 1 {
				t.Errorf("%s: counted again too early", c.cost)
			}
			time.Sleep(c.kept / 10)
			ask()
			if counted != 2 {
				t.Errorf("%s: counted %d times", c.cost, counted)
			}
		})
	}
}

func TestFailedCountIsNotKept(t *testing.T) {
	t.Parallel()
	totals, l := newTotals(), allUsers(Range{From: new(int64)})
	broken := errors.New("broken")
	if _, err := totals.of(t.Context(), l, func(context.Context) (int64, error) { return 0, broken }); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	if got, err := totals.of(t.Context(), l, func(context.Context) (int64, error) { return 3, nil }); err != nil || got.users != 3 || !got.small {
		t.Errorf("got %+v, %v", got, err)
	}
	totals.invalidateIfLarge(l, exactCountLimit+1)
	if got, err := totals.of(t.Context(), l, func(context.Context) (int64, error) { return 4000, nil }); err != nil || got.users != 4000 {
		t.Errorf("a list that grew is still taken for small: %+v, %v", got, err)
	}
}

func TestMemoryOfListsIsBounded(t *testing.T) {
	t.Parallel()
	totals, cursors := newTotals(), newCursorCache()
	for i := range int64(3 * maxCursors) {
		l := labelledUsers(LabelFilter{Key: strconv.FormatInt(i, 10)}, Range{})
		cursors.rememberNext(l, Page{Number: 1, Size: 1}, cursor{id: i})
		if i < 3*keptTotals {
			_, _ = totals.of(t.Context(), l, func(context.Context) (int64, error) { return i, nil })
		}
	}
	cursors.known.CleanUp()
	totals.kept.CleanUp()
	if a, b := cursors.known.EstimatedSize(), totals.kept.EstimatedSize(); a > maxCursors || b > keptTotals {
		t.Errorf("%d cursors and %d totals are kept", a, b)
	}
}

// A new user must not become a cursor in the list of all users: a user with a lower id may be
// committed later, and pages would then start elsewhere by the counts.
func TestCursorOfAPageIsCachedOnceItIsSafe(t *testing.T) {
	t.Parallel()
	cursors, page := newCursorCache(), Page{Number: 4, Size: 100}
	for _, c := range []struct {
		list  listQuery
		age   time.Duration
		known bool
	}{
		{allUsers(Range{}), time.Second, false},
		{allUsers(Range{}), time.Minute, true},
		{allUsers(Range{From: new(int64)}), time.Second, true},
		{labelledUsers(LabelFilter{Key: "tier"}, Range{}), time.Second, true},
	} {
		cursors.rememberNext(c.list, page, cursor{at: time.Now().Add(-c.age), id: 7})
		if after, known := cursors.of(c.list, Page{Number: 5, Size: 100}); known != c.known || known && after.id != 7 {
			t.Errorf("%v, %s old: %v, %v", c.list, c.age, after, known)
		}
		if _, known := cursors.of(c.list, Page{Number: 5, Size: 50}); known {
			t.Errorf("%v: the start of another page is known", c.list)
		}
	}
}

func TestListsWithDifferentUsersHaveDifferentNames(t *testing.T) {
	t.Parallel()
	one, two := int64(1), int64(2)
	names := map[string]listQuery{}
	for _, l := range []listQuery{
		allUsers(Range{}), allUsers(Range{From: &one}), allUsers(Range{To: &one}), allUsers(Range{From: &one, To: &two}), allUsers(Range{From: &one, Updated: true}),
		labelledUsers(LabelFilter{Key: `a" "b`}, Range{}), labelledUsers(LabelFilter{Key: "a", Value: "b"}, Range{}), labelledUsers(LabelFilter{Key: "a", Scope: "b"}, Range{}),
	} {
		if other, taken := names[l.String()]; taken {
			t.Errorf("%+v and %+v have the same name", l, other)
		}
		names[l.String()] = l
	}
	if allUsers(Range{Updated: true}) != allUsers(Range{}) {
		t.Error("a range without an end is one")
	}
}
