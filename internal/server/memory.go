package server

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"barong/internal/problem"
)

// memoryLimiter bounds what bodies take together, from their first byte to the
// answer. A body takes memory as its bytes arrive, so that a sender who sends
// nothing takes nothing; where there is none left, it waits. It is safe for
// concurrent use.
//
// Bodies that wait for each other with part of their memory taken would wait for
// ever. Hence the banker's algorithm (Dijkstra, EWD 623): memory is granted only
// where an order is left in which every body that has some can get all that it
// needs, each with what those before it give back.
type memoryLimiter struct {
	size  int64 // in bytes
	share int64 // what one owner may take, so that a stolen token leaves the others some

	mutex   sync.Mutex
	free    int64
	taken   map[string]int64 // by owner
	open    []*reservation   // those that have memory
	waiting []*waiter        // those whom a signer has vouched for first, then the oldest
	largest int64            // need of a reservation so far
	last    uint64
}

const (
	// smallBody is how large a body may be, in bytes, that counts among the small
	// ones, which have memory of their own: nearly all requests do.
	smallBody = 64 << 10
	// smallPart is the part of all memory for bodies that the small ones have.
	smallPart = 8
	// ownerShare is the part of its memory that one owner may take: three quarters.
	ownerShare = 0.75
	// bodyFactor is how many bytes of memory one byte of a body takes at most, at
	// one time: as it came, decoded, and as the text that the operation gets.
	bodyFactor = 4
	// memoryRetry is what callers are advised to wait for memory.
	memoryRetry = 5 * time.Second
)

// stranger is the owner of what has no verified token. An envelope is a stranger's
// until it has been read.
const stranger = ""

// bodyMemory is the memory for bodies: one limiter for the small ones and one for
// the others, so that neither waits for the other.
type bodyMemory struct{ small, large *memoryLimiter }

func newBodyMemory(size int64) bodyMemory {
	return bodyMemory{newMemoryLimiter(size / smallPart), newMemoryLimiter(size - size/smallPart)}
}

// reserve opens a reservation for a body of at most so many bytes.
func (m bodyMemory) reserve(owner string, body int64) *reservation {
	if body <= smallBody {
		return m.small.reserve(owner, body*bodyFactor)
	}
	return m.large.reserve(owner, body*bodyFactor)
}

func newMemoryLimiter(size int64) *memoryLimiter {
	return &memoryLimiter{size: size, share: int64(float64(size) * ownerShare), free: size, taken: map[string]int64{}}
}

// reservation is the memory of one body.
type reservation struct {
	limiter *memoryLimiter
	owner   string
	order   uint64 // the lower, the older
	need    int64  // in bytes: all that it will take
	held    int64
}

// waiter waits for a reservation to hold more.
type waiter struct {
	reservation *reservation
	more        int64
	granted     chan struct{}
}

// reserve opens a reservation that will hold at most so many bytes, and counts for
// half of what its owner may have where it needs more: else one that is open, and
// idle, would leave no order in which others could end.
func (m *memoryLimiter) reserve(owner string, need int64) *reservation {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.last++
	need = min(need, m.share/2)
	m.largest = max(m.largest, need)
	return &reservation{limiter: m, owner: owner, order: m.last, need: need}
}

// hold waits until the reservation holds so many bytes, at most so long and until ctx
// ends.
func (r *reservation) hold(ctx context.Context, bytes int64, patience time.Duration) error {
	m := r.limiter
	m.mutex.Lock()
	more := min(bytes, r.need) - r.held
	if more <= 0 {
		m.mutex.Unlock()
		return nil
	}
	w := &waiter{r, more, nil}
	if !m.isBehind(w, m.waiting) && m.mayGrant(r, more) {
		m.grant(r, more)
		m.mutex.Unlock()
		return nil
	}
	w.granted = make(chan struct{})
	m.enqueue(w)
	m.mutex.Unlock()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	select {
	case <-w.granted:
		return nil
	case <-ctx.Done():
	}
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if at := slices.Index(m.waiting, w); at >= 0 {
		m.waiting = slices.Delete(m.waiting, at, at+1)
		return &problem.Error{
			Kind:       problem.Unavailable,
			Detail:     "The server is busy with other large requests, try again later",
			Reason:     problem.Overloaded,
			RetryAfter: memoryRetry,
			Cause:      ctx.Err(),
		}
	}
	return nil // granted meanwhile
}

// release gives back what the reservation holds.
func (r *reservation) release() {
	m := r.limiter
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if r.held == 0 {
		return
	}
	m.free += r.held
	if m.taken[r.owner] -= r.held; m.taken[r.owner] == 0 {
		delete(m.taken, r.owner)
	}
	r.held = 0
	last := len(m.open) - 1
	m.open[slices.Index(m.open, r)], m.open[last] = m.open[last], nil
	m.open = m.open[:last]
	m.wake()
}

// mayGrant says whether there is so much, and whether all that are open can still
// end once r holds it.
func (m *memoryLimiter) mayGrant(r *reservation, more int64) bool {
	free, ownerFree := m.free-more, m.share-m.taken[r.owner]-more
	if free < 0 || ownerFree < 0 {
		return false
	}
	// Where each could get all at once, no order need be found; nearly always it is so.
	return free >= m.largest && ownerFree >= m.largest || m.isSafe(r, more)
}

// isSafe looks for the order. It need not go back: who ends only adds to what is free.
func (m *memoryLimiter) isSafe(r *reservation, more int64) bool {
	free := m.free - more
	taken := maps.Clone(m.taken)
	taken[r.owner] += more
	unfinished := slices.Clone(m.open)
	if r.held == 0 {
		unfinished = append(unfinished, r)
	}
	for len(unfinished) > 0 {
		before := len(unfinished)
		unfinished = slices.DeleteFunc(unfinished, func(each *reservation) bool {
			held := each.held
			if each == r {
				held += more
			}
			remaining := each.need - held
			if remaining > free || remaining > m.share-taken[each.owner] {
				return false
			}
			free += held
			taken[each.owner] -= held
			return true
		})
		if len(unfinished) == before {
			return false
		}
	}
	return true
}

func (m *memoryLimiter) grant(r *reservation, more int64) {
	if r.held == 0 {
		m.open = append(m.open, r)
	}
	r.held += more
	m.free -= more
	m.taken[r.owner] += more
}

func (m *memoryLimiter) enqueue(w *waiter) {
	at := slices.IndexFunc(m.waiting, func(other *waiter) bool { return w.before(other) })
	if at < 0 {
		at = len(m.waiting)
	}
	m.waiting = slices.Insert(m.waiting, at, w)
}

// before says who gets memory first: callers that are known, then the oldest.
func (w *waiter) before(other *waiter) bool {
	if known, otherKnown := w.reservation.owner != stranger, other.reservation.owner != stranger; known != otherKnown {
		return known
	}
	return w.reservation.order < other.reservation.order
}

// isBehind says whether a body that has nothing yet must let an older one of the
// same owner go first: else many that need little keep one that needs much waiting.
func (m *memoryLimiter) isBehind(w *waiter, queue []*waiter) bool {
	return w.reservation.held == 0 && slices.ContainsFunc(queue, func(other *waiter) bool {
		return other.reservation.held == 0 && other.reservation.owner == w.reservation.owner && other.before(w)
	})
}

// wake grants what can be granted, in the order of the queue.
func (m *memoryLimiter) wake() {
	var still []*waiter
	for _, w := range m.waiting {
		if m.isBehind(w, still) || !m.mayGrant(w.reservation, w.more) {
			still = append(still, w)
			continue
		}
		m.grant(w.reservation, w.more)
		close(w.granted)
	}
	m.waiting = still
}
