package server

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"barong/internal/auth"
	"barong/internal/problem"
)

// RateLimits bounds how often each signer may call operations of this process. It is safe for
// concurrent use.
type RateLimits struct {
	rules map[selector]*rateRule

	mutex    sync.Mutex
	buckets  map[bucketKey]*bucket // created on first use, for signers of the keychain
	keychain *auth.Keychain        // the keychain for which buckets was last pruned
}

// bucketKey is one signer under one rule. All operations that the rule covers share one
// bucket.
type bucketKey struct {
	signer string
	rule   *rateRule
}

// bucket is the token bucket of one signer under one rule.
type bucket struct {
	*rate.Limiter
	rule *rateRule
}

// allow takes one token for each signer, under the most specific rule for it. If one bucket is
// empty, it takes none and returns an error. The headers describe the tightest bucket
// (draft-ietf-httpapi-ratelimit-headers-10).
func (l *RateLimits) allow(header http.Header, keychain *auth.Keychain, signers []string, operation string, now time.Time) error {
	var tightest *bucket
	var signerOfTightest string
	var wait time.Duration
	var left float64
	taken := make([]*rate.Reservation, 0, 2) // requests rarely have more than two signers
	for _, signer := range signers {
		rule := l.rule(signer, operation)
		if rule == nil || rule.unlimited() {
			continue
		}
		candidate := l.bucket(keychain, signer, rule)
		reservation := candidate.ReserveN(now, 1)
		taken = append(taken, reservation)
		candidateWait, tokens := reservation.DelayFrom(now), candidate.TokensAt(now)
		if tightest == nil || candidateWait > wait || candidateWait == wait && tokens < left {
			tightest, signerOfTightest, wait, left = candidate, signer, candidateWait, tokens
		}
	}
	if tightest == nil {
		return nil
	}
	if wait > 0 {
		for _, reservation := range taken {
			reservation.CancelAt(now)
		}
		left = tightest.TokensAt(now)
	}
	header.Set("RateLimit-Policy", tightest.rule.policy)
	header.Set("RateLimit", tightest.rule.state(left))
	if wait == 0 {
		return nil
	}
	return &problem.Error{
		Kind:       problem.TooManyRequests,
		Detail:     "A signer has sent too many requests, try again later",
		Reason:     problem.RateLimited,
		RetryAfter: wait,
		Cause:      fmt.Errorf("%s has used up %s", signerOfTightest, tightest.rule.policy),
	}
}

// rule returns the most specific rule: one for this signer comes before one for all signers,
// then one for this operation before one for all. It returns nil if there is none.
func (l *RateLimits) rule(signer, operation string) *rateRule {
	for _, about := range [...]selector{{signer, operation}, {signer, all}, {all, operation}, {all, all}} {
		if rule := l.rules[about]; rule != nil {
			return rule
		}
	}
	return nil
}

// bucket returns the bucket of a signer under a rule. When the keychain has changed, it first
// drops the buckets of signers that the new keychain lacks.
func (l *RateLimits) bucket(keychain *auth.Keychain, signer string, rule *rateRule) *bucket {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if keychain != l.keychain {
		l.keychain = keychain
		for key := range l.buckets {
			if !keychain.Knows(key.signer) {
				delete(l.buckets, key)
			}
		}
	}
	key := bucketKey{signer, rule}
	known := l.buckets[key]
	if known == nil {
		known = &bucket{rate.NewLimiter(rate.Limit(rule.perSecond), rule.burst), rule}
		l.buckets[key] = known
	}
	return known
}

// state returns the value of the header RateLimit: r is the number of operations left, t the
// seconds until the bucket is full again.
func (r *rateRule) state(left float64) string {
	left = max(left, 0)
	full := math.Ceil((float64(r.burst) - left) / r.perSecond)
	return r.name + ";r=" + strconv.Itoa(int(left)) + ";t=" + strconv.Itoa(int(full))
}
