package handlers

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"barong/internal/problem"
)

// stalled returns Passwords whose workers are all busy forever.
func stalled() *Passwords {
	p := NewPasswords(4)
	for range cap(p.workers) {
		p.workers <- struct{}{}
		p.inside++
	}
	return p
}

func TestPasswordsRefuseAtOnceWhenTooManyWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := stalled()
		ctx, cancel := context.WithCancel(t.Context())
		waiting := make(chan error, maxWaitingPasswords)
		for range maxWaitingPasswords {
			go func() {
				_, err := p.Hash(ctx, "Tecohvi0")
				waiting <- err
			}()
		}
		synctest.Wait()
		began := time.Now()
		if _, err := p.Hash(ctx, "Tecohvi0"); problem.KindOf(err) != problem.Unavailable || time.Since(began) != 0 {
			t.Errorf("one too many got %v, after %s", err, time.Since(began))
		}
		if hashing, places := p.Load(); hashing != cap(p.workers) || places != maxWaitingPasswords {
			t.Errorf("%d are hashed and %d wait", hashing, places)
		}
		cancel()
		for range maxWaitingPasswords {
			if err := <-waiting; !errors.Is(err, context.Canceled) {
				t.Errorf("one who waited got %v", err)
			}
		}
		<-p.workers
		p.release()
		if hash, err := p.Hash(t.Context(), "Tecohvi0"); err != nil || !strings.HasPrefix(hash, "$2a$04$") {
			t.Errorf("afterwards: %q, %v", hash, err)
		}
	})
}

// A waiting user creation is rejected before its client gives up, however slow hashing is.
func TestPasswordsThatWaitInVainAreRefusedInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := stalled()
		began := time.Now()
		_, err := p.Hash(t.Context(), "Tecohvi0")
		if problem.KindOf(err) != problem.Unavailable || time.Since(began) != maxHashWait {
			t.Errorf("got %v after %s", err, time.Since(began))
		}
		if _, waiting := p.Load(); waiting != 0 {
			t.Errorf("%d still wait", waiting)
		}
	})
}

func TestQueueOfPasswordsIsAsLongAsItIsWorthWaitingFor(t *testing.T) {
	t.Parallel()
	p := NewPasswords(12)
	workers := cap(p.workers)
	for _, c := range []struct {
		took   time.Duration
		places int
	}{
		{0, maxWaitingPasswords},
		{time.Millisecond, maxWaitingPasswords},
		{firstHash, min(maxWaitingPasswords, 19*workers)}, // 20 in 4 seconds, one of which is in progress
		{time.Second, 3 * workers},
		{time.Minute, 0},
	} {
		p.took = c.took
		if _, places := p.Capacity(); places != c.places {
			t.Errorf("with %s for one there are %d places and not %d", c.took, places, c.places)
		}
	}
	for range workers { // a free worker is always used
		if err := p.acquire(); err != nil {
			t.Error(err)
		}
	}
	if err := p.acquire(); problem.KindOf(err) != problem.Unavailable {
		t.Errorf("one more got %v", err)
	}
	for range 100 {
		p.measured(firstHash / 2)
	}
	if _, places := p.Capacity(); places < min(maxWaitingPasswords, 19*workers) {
		t.Errorf("once it is fast again there are %d places", places)
	}
}

func TestQueueOfPasswordsBeginsWithWhatTheCostTakes(t *testing.T) {
	t.Parallel()
	for cost, took := range map[int]time.Duration{12: firstHash, 14: 4 * firstHash, 10: firstHash / 4} {
		if p := NewPasswords(cost); p.took != took {
			t.Errorf("cost %d: %s", cost, p.took)
		}
	}
}
