package server

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"barong/internal/problem"
)

// memoryLimiter bounds the memory that all bodies take together, from their first byte to the
// response. A reservation grows as bytes arrive, so that a sender that sends nothing takes
// nothing. When no memory is left, the reader of a body waits. It is safe for concurrent use.
//
// Bodies that each hold a part of their memory and wait for more could deadlock. The banker's
// algorithm (Dijkstra, EWD 623) prevents it: memory is granted only if there remains an order
// in which every open reservation can get all that it needs from the free memory and what
// those before it release.
type memoryLimiter struct {
	size  int64 // in bytes
	share int64 // maximum for one owner, in bytes, so that one stolen token cannot take all memory

	mutex   sync.Mutex
	free    int64
	taken   map[string]int64 // by owner
	open    []*reservation   // reservations that hold memory
	waiting []*waiter        // authenticated owners first, then in order of age
	largest int64            // largest need of a reservation so far
	last    uint64
}

const (
	// smallBody is the maximum size, in bytes, of a small body. Small bodies, which are nearly
	// all, have a memory limiter of their own.
	smallBody = 64 << 10
	// smallPart divides the memory for bodies: small bodies have one such part.
	smallPart = 8
	// ownerShare is the fraction of a limiter's memory that one owner may hold.
	ownerShare = 0.75
	// bodyFactor is the maximum memory, in bytes, that one byte of a body takes at a time: as
	// received, decoded, and as the text for the operation.
	bodyFactor = 4
	// memoryRetry is the Retry-After of a request that got no memory in time.
	memoryRetry = 5 * time.Second
)

// anonymous is the owner of bodies without a verified token. An envelope has this owner until
// it has been read and verified.
const anonymous = ""

// bodyMemory is the memory for bodies. Small and large bodies have separate limiters, so that
// neither kind waits for the other.
type bodyMemory struct{ small, large *memoryLimiter }

func newBodyMemory(size int64) bodyMemory {
	return bodyMemory{newMemoryLimiter(size / smallPart), newMemoryLimiter(size - size/smallPart)}
}

// reserve opens a reservation for a body of up to that many bytes.
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
	order   uint64 // a lower value is older
	need    int64  // in bytes: the maximum that it will hold
	held    int64
}

// waiter is a reservation that waits for more memory.
type waiter struct {
	reservation *reservation
	more        int64
	granted     chan struct{}
}

// reserve opens a reservation for up to need bytes, which are capped at half of the owner's
// share. Without the cap, one idle reservation of the whole share would leave no order in
// which others could finish.
func (m *memoryLimiter) reserve(owner string, need int64) *reservation {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.last++
	need = min(need, m.share/2)
	m.largest = max(m.largest, need)
	return &reservation{limiter: m, owner: owner, order: m.last, need: need}
}

// hold waits until the reservation holds size bytes. It fails after timeout, or when ctx ends.
func (r *reservation) hold(ctx context.Context, size int64, timeout time.Duration) error {
	m := r.limiter
	m.mutex.Lock()
	more := min(size, r.need) - r.held
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
	ctx, cancel := context.WithTimeout(ctx, timeout)
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
	return nil // granted between the end of ctx and the lock
}

// release gives back all that the reservation holds.
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

// mayGrant reports whether that much memory is free for r and its owner, and whether all open
// reservations can still finish after the grant.
func (m *memoryLimiter) mayGrant(r *reservation, more int64) bool {
	free, ownerFree := m.free-more, m.share-m.taken[r.owner]-more
	if free < 0 || ownerFree < 0 {
		return false
	}
	// Fast path: if even the largest need fits at once, every order is safe.
	return free >= m.largest && ownerFree >= m.largest || m.isSafe(r, more)
}

// isSafe searches for an order in which all open reservations can finish. It needs no
// backtracking: each one that finishes only adds free memory.
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

// before reports whether w is served before other: authenticated owners first, then the older
// reservation.
func (w *waiter) before(other *waiter) bool {
	if known, otherKnown := w.reservation.owner != anonymous, other.reservation.owner != anonymous; known != otherKnown {
		return known
	}
	return w.reservation.order < other.reservation.order
}

// isBehind reports whether a reservation that holds nothing must wait for an older one of the
// same owner in the queue. Otherwise many small requests could starve a large one.
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
