package server

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"barong/internal/problem"
)

// limiter bounds how many of a kind are worked on at once. Beyond some number, more
// of them only wait for the same connections to the database, with their bodies in
// memory, until their callers have given up. It is safe for concurrent use.
type limiter struct {
	limit    int64
	acquired atomic.Int64
}

// overloadRetry is what callers are advised to wait for a place: what is in flight
// takes milliseconds, as a rule.
const overloadRetry = time.Second

var errOverloaded = &problem.Error{
	Kind:       problem.Unavailable,
	Detail:     "The server is busy with other requests, try again later",
	Reason:     problem.Overloaded,
	RetryAfter: overloadRetry,
}

// saturated says whether acquire would refuse: then a body need not be read.
func (l *limiter) saturated() bool { return l.acquired.Load() >= l.limit }

// acquire takes a place, or refuses at once with errOverloaded. Each place is given
// back once, by release.
func (l *limiter) acquire() error {
	if l.acquired.Add(1) > l.limit {
		l.release()
		return errOverloaded
	}
	return nil
}

func (l *limiter) release() { l.acquired.Add(-1) }

// signerLimits bound what the requests of one signer may take, so that a stolen key
// does not keep out the others: half of the requests that may be open, from their
// authorisation until their answer has been read, and half of the places.
type signerLimits struct{ open, working *signerLimiter }

func newSignerLimits(inFlight int) signerLimits {
	return signerLimits{newSignerLimiter(max(1, inFlight*requestsPerPlace/2)), newSignerLimiter(max(1, inFlight/2))}
}

// signerLimiter bounds how many of a kind there are at once for one signer. It is
// safe for concurrent use.
type signerLimiter struct {
	limit int

	mutex sync.Mutex
	open  map[string]int // by signer; signers without an open request are not in it
}

func newSignerLimiter(limit int) *signerLimiter {
	return &signerLimiter{limit: limit, open: map[string]int{}}
}

// acquire counts a request for each of its signers, or for none of them where one
// has as many open as it may have.
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
