package server

import (
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"barong/internal/problem"
)

const mebi = 1 << 20

// holding returns a reservation that holds part of what it needs.
func holding(t *testing.T, m *memoryLimiter, owner string, need, held int64) *reservation {
	t.Helper()
	r := m.reserve(owner, need)
	if err := r.hold(t.Context(), held, 0); err != nil {
		t.Fatalf("%d of %d for %q: %v", held, need, owner, err)
	}
	return r
}

// waits fails the test if the reservation gets more memory at once.
func waits(t *testing.T, r *reservation, bytes int64) {
	t.Helper()
	var busy *problem.Error
	if err := r.hold(t.Context(), bytes, 0); !errors.As(err, &busy) || busy.Kind != problem.Unavailable || busy.RetryAfter == 0 {
		t.Errorf("it got %d bytes: %v", bytes, err)
	}
}

func TestASenderWhoSendsNothingTakesNoMemory(t *testing.T) {
	t.Parallel()
	m := newMemoryLimiter(100 * mebi)
	for range 1000 {
		m.reserve(anonymous, 64*mebi)
	}
	for range 16 {
		holding(t, m, anonymous, 64*mebi, 1) // each of these has sent one byte
	}
	holding(t, m, anonymous, 60*mebi, 60*mebi).release()
	holding(t, m, "ada", 60*mebi, 60*mebi).release()
}

// An idle body that needs all memory does not block others.
func TestIdleBodiesThatNeedEverythingKeepNobodyOut(t *testing.T) {
	t.Parallel()
	m := newMemoryLimiter(100 * mebi)
	for range 100 {
		holding(t, m, anonymous, 1000*mebi, 4096)
	}
	holding(t, m, anonymous, 30*mebi, 30*mebi)
}

func TestNoOwnerTakesAllMemory(t *testing.T) {
	t.Parallel()
	m := newMemoryLimiter(100 * mebi)
	holding(t, m, anonymous, 37*mebi, 37*mebi)
	holding(t, m, anonymous, 37*mebi, 37*mebi)
	holding(t, m, anonymous, mebi, mebi)
	waits(t, m.reserve(anonymous, mebi), mebi)
	holding(t, m, "ada", 25*mebi, 25*mebi)
	waits(t, m.reserve("bob", mebi), mebi)
}

func TestKnownCallersComeBeforeStrangers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemoryLimiter(100 * mebi)
		first := holding(t, m, anonymous, 60*mebi, 60*mebi)
		second := holding(t, m, "bob", 40*mebi, 40*mebi)
		var order []string
		var mutex sync.Mutex
		for _, owner := range []string{anonymous, anonymous, "ada"} {
			go func() {
				r := m.reserve(owner, 60*mebi)
				if err := r.hold(t.Context(), 60*mebi, time.Hour); err != nil {
					t.Error(err)
				}
				mutex.Lock()
				order = append(order, owner)
				mutex.Unlock()
				r.release()
			}()
			synctest.Wait()
		}
		first.release()
		synctest.Wait()
		second.release()
		synctest.Wait()
		if len(order) != 3 || order[0] != "ada" {
			t.Errorf("the order is %q", order)
		}
	})
}

// Bodies that arrive at the same time, part by part, all finish: none waits for another that
// waits for it. The banker's algorithm guarantees this.
func TestBodiesThatArriveTogetherDoNotBlockEachOther(t *testing.T) {
	t.Parallel()
	for seed := range uint64(50) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 0))
			m := newMemoryLimiter(100 * mebi)
			var group sync.WaitGroup
			for range 60 {
				owner := []string{anonymous, "ada", "bob"}[random.IntN(3)]
				need := 1 + random.Int64N(90*mebi)
				pause := time.Duration(random.IntN(1000))
				hangsUp := random.IntN(4) == 0
				group.Go(func() {
					time.Sleep(pause)
					r := m.reserve(owner, need)
					defer r.release()
					for held := int64(1); ; held *= 2 {
						if err := r.hold(t.Context(), held, time.Hour); err != nil {
							t.Error(err)
							return
						}
						if held >= need || hangsUp && held > need/2 {
							return
						}
						time.Sleep(pause)
					}
				})
			}
			group.Wait() // synctest fails the test on a deadlock
			if m.free != m.size || len(m.taken) != 0 || len(m.open) != 0 || len(m.waiting) != 0 {
				t.Errorf("%d of %d bytes are free, taken %v", m.free, m.size, m.taken)
			}
		})
	}
}
