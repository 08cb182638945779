package barong

import "time"

// WaitAfter is the wait after an attempt for which the server names none.
func WaitAfter(attempt int, first, most time.Duration) time.Duration {
	return (&settings{backoff: first, maxBackoff: most}).wait(attempt, nil)
}
