package server

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"barong/internal/problem"
)

func TestNoMorePlacesAreTakenThanTheLimit(t *testing.T) {
	t.Parallel()
	l := limiter{limit: 3}
	var acquired, refused atomic.Int64
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			if err := l.acquire(); err != nil {
				refused.Add(1)
				return
			}
			acquired.Add(1)
		})
	}
	group.Wait()
	if acquired.Load() != 3 || refused.Load() != 17 || !l.saturated() {
		t.Errorf("%d were acquired, %d refused", acquired.Load(), refused.Load())
	}
	l.release()
	if err := l.acquire(); !l.saturated() || err != nil {
		t.Errorf("a place that was given back: %v", err)
	}
}

func TestOneSignerDoesNotTakeThePlacesOfOthers(t *testing.T) {
	t.Parallel()
	l := newSignerLimiter(2)
	first, err := l.acquire([]string{"ada"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.acquire([]string{"ada", "bob"}); err != nil {
		t.Fatal(err)
	}
	var refused *problem.Error
	if _, err := l.acquire([]string{"bob", "ada"}); !errors.As(err, &refused) || refused.Kind != problem.TooManyRequests || refused.RetryAfter == 0 {
		t.Errorf("a third request of ada: %v", err)
	}
	if _, err := l.acquire([]string{"bob"}); err != nil {
		t.Errorf("bob's second, since the refused one does not count: %v", err)
	}
	first()
	if release, err := l.acquire([]string{"ada"}); err != nil {
		t.Errorf("after one of ada's is over: %v", err)
	} else {
		release()
	}
	if got := l.open["ada"]; got != 1 {
		t.Errorf("ada has %d open", got)
	}
}
