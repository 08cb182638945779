package barong

import (
	"context"
	"crypto/tls"
	"errors"
	"math/rand/v2"
	"net"
	"net/http"
	"time"

	"barong/clients/go/api"
)

// unsentError is a failure before anything was sent, which would occur again in a retry.
type unsentError struct{ error }

func (e *unsentError) Unwrap() error { return e.error }

// mayRetry reports whether a request that ended in err can be sent again without the risk of a
// second effect.
func (s *settings) mayRetry(operation api.Operation, err error) bool {
	if unsent := (*unsentError)(nil); errors.As(err, &unsent) {
		return false
	}
	var response *Error
	if errors.As(err, &response) {
		switch response.Status {
		case http.StatusTooManyRequests:
			return !countsRejected(operation)
		case http.StatusServiceUnavailable:
			return s.isRepeatable(operation)
		case http.StatusConflict: // with Retry-After, the first attempt is still being executed
			return response.RetryAfter > 0 && s.isRepeatable(operation)
		default:
			return false
		}
	}
	var refused *net.OpError
	isNetwork := errors.As(err, &refused)
	if isNetwork && (refused.Op == "dial" || refused.Op == "proxyconnect") { // no connection was established
		return true
	}
	var untrusted *tls.CertificateVerificationError
	if errors.As(err, &untrusted) || isNetwork && refused.Op == "remote error" { // a TLS alert
		return false
	}
	return s.isRepeatable(operation)
}

// isRepeatable reports whether sending a request of an operation twice has the same effect as
// sending it once.
func (s *settings) isRepeatable(operation api.Operation) bool {
	return isIdempotent(operation) || s.retryWrites && isWrite(operation) && !countsRejected(operation)
}

// wait returns the wait after an attempt that ended in err.
func (s *settings) wait(attempt int, err error) time.Duration {
	backoff := s.maxBackoff
	if exponent := attempt - 1; exponent < 30 && s.backoff<<exponent < s.maxBackoff {
		backoff = s.backoff << exponent
	}
	jittered := time.Duration(0)
	if backoff > 0 {
		jittered = rand.N(backoff + 1) //nolint:gosec // jitter need not be unpredictable
	}
	var response *Error
	if errors.As(err, &response) && response.RetryAfter > 0 {
		return max(jittered, min(response.RetryAfter, s.maxRetryAfter))
	}
	return jittered
}

// sleep waits. It returns false if ctx ends earlier, at once if its deadline is known to.
func sleep(ctx context.Context, wait time.Duration) bool {
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= wait {
		return false
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
