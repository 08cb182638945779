package server

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"barong/internal/problem"
)

// limiter bounds how many requests of one kind run at once. Beyond that number, more requests
// would only queue for the same database connections, with their bodies in memory, until their
// clients time out. It is safe for concurrent use.
type limiter struct {
	limit    int64
	acquired atomic.Int64
}

// overloadRetry is the Retry-After of errOverloaded. Requests in flight normally take
// milliseconds.
const overloadRetry = time.Second

var errOverloaded = &problem.Error{
	Kind:       problem.Unavailable,
	Detail:     "The server is busy with other requests, try again later",
	Reason:     problem.Overloaded,
	RetryAfter: overloadRetry,
}

// saturated reports whether acquire would fail. The body of such a request need not be read.
func (l *limiter) saturated() bool { return l.acquired.Load() >= l.limit }

// acquire takes a place, or returns errOverloaded without waiting. Each acquired place must be
// released once.
func (l *limiter) acquire() error {
	if l.acquired.Add(1) > l.limit {
		l.release()
		return errOverloaded
	}
	return nil
}

func (l *limiter) release() { l.acquired.Add(-1) }

// signerLimits bounds what the requests of one signer may occupy, so that a stolen key cannot
// lock out other signers: half of the open requests, from authorisation until the response has
// been read (open), and half of the places of operations (working).
type signerLimits struct{ open, working *signerLimiter }

func newSignerLimits(inFlight int) signerLimits {
	return signerLimits{newSignerLimiter(max(1, inFlight*requestsPerPlace/2)), newSignerLimiter(max(1, inFlight/2))}
}

// signerLimiter bounds how many requests each signer may have at once. It is safe for
// concurrent use.
type signerLimiter struct {
	limit int

	mutex sync.Mutex
	open  map[string]int // by signer; a signer without open requests has no entry
}

func newSignerLimiter(limit int) *signerLimiter {
	return &signerLimiter{limit: limit, open: map[string]int{}}
}

// acquire counts a request for each of its signers. If one of them is at its limit, it counts
// none and returns an error.
func (l *signerLimiter) acquire(signers []string) (release func(), err error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	for _, signer := range signers {
		if l.open[signer] >= l.limit {
			return nil, &problem.Error{
				Kind:       problem.TooManyRequests,
				Detail:     "A signer has too many requests open, try again later",
				Reason:     problem.RateLimited,
				RetryAfter: overloadRetry,
				Cause:      fmt.Errorf("%s has %d requests open", signer, l.limit),
			}
		}
	}
	for _, signer := range signers {
		l.open[signer]++
	}
	return func() { l.release(signers) }, nil
}

func (l *signerLimiter) release(signers []string) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	for _, signer := range signers {
		if l.open[signer]--; l.open[signer] == 0 {
			delete(l.open, signer)
		}
	}
}
