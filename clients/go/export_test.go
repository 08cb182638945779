package barong

import "time"

// WaitAfter returns the wait after an attempt if the server does not name one.
func WaitAfter(attempt int, first, most time.Duration) time.Duration {
	return (&settings{backoff: first, maxBackoff: most}).wait(attempt, nil)
}
