package webhooks

import (
	"math/rand/v2"
	"time"
)

// schedule is the wait before each attempt: 75 hours in all.
var schedule = []time.Duration{
	0, 5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
}

// Times of an endpoint that fails.
const (
	patience  = 5 * 24 * time.Hour // without a success, before it is disabled
	minPause  = 5 * time.Second    // after 429, 502 and 504
	maxPause  = time.Hour          // that Retry-After can ask for
	deviation = 0.1                // of each wait, so that events that failed together do not return together
)

// waitAfter returns the wait before the next attempt after a number of failures, and false where there is
// none. random is at least 0 and less than 1.
func waitAfter(failures int, random float64) (time.Duration, bool) {
	if failures >= len(schedule) {
		return 0, false
	}
	return time.Duration(float64(schedule[failures]) * (1 - deviation + 2*deviation*random)), true
}

func random() float64 { return rand.Float64() } //nolint:gosec // spreads attempts, and guards nothing
