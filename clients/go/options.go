package barong

import (
	"log/slog"
	"net/http"
	"time"

	"barong/clients/go/api"
)

// Option changes how a [Client] sends requests.
type Option func(*settings)

type settings struct {
	client  *http.Client
	editors []api.RequestEditorFn
	log     *slog.Logger // nil: nothing is logged

	timeout, attemptTimeout time.Duration // 0: none
	attempts                int
	backoff, maxBackoff     time.Duration
	maxRetryAfter           time.Duration
}

func defaultSettings() settings {
	return settings{
		client:  &http.Client{},
		timeout: 2 * time.Minute, attemptTimeout: time.Minute,
		attempts: 3, backoff: 200 * time.Millisecond, maxBackoff: 10 * time.Second, maxRetryAfter: time.Minute,
	}
}

// WithHTTPClient sends requests by another HTTP client than one of the defaults of
// net/http: with a proxy, a certificate or a transport of its own. Redirects are only
// followed if it has a CheckRedirect.
func WithHTTPClient(client *http.Client) Option {
	return func(s *settings) { s.client = client }
}

// WithRequestEditor changes requests before they are signed, in the order in which
// editors are given. It may set User-Agent, Accept and Prefer.
func WithRequestEditor(editor api.RequestEditorFn) Option {
	return func(s *settings) { s.editors = append(s.editors, editor) }
}

// WithTimeout bounds a call with all its attempts and the waits between them. 0 is no
// bound but that of the context. The default is two minutes.
func WithTimeout(timeout time.Duration) Option {
	return func(s *settings) { s.timeout = timeout }
}

// WithAttemptTimeout bounds each attempt, until the response is read to its end. 0 is no
// bound. The default is a minute, which is longer than a server takes by default.
func WithAttemptTimeout(timeout time.Duration) Option {
	return func(s *settings) { s.attemptTimeout = timeout }
}

// WithAttempts sets how often a request is sent at most. 0 and 1 are once. The default is
// 3. These requests are sent again, and no others:
//
//   - all that could not be sent, because there was no connection;
//   - all that get 429, except signOTP: there it says that a code was counted;
//   - of the operations that only read, and of updateLabel, also those that get 503 or
//     no response. Another operation may have been carried out in spite of it.
//
// Each attempt is signed anew, with another jti; a Bearer token is used again as long as
// it is valid.
func WithAttempts(attempts int) Option {
	return func(s *settings) { s.attempts = attempts }
}

// WithBackoff sets the waits between attempts, if the server names none: at random from
// 0 to first, then from 0 to twice as long, and so on up to most (exponential backoff
// with full jitter). The defaults are 200 ms and 10 s.
func WithBackoff(first, most time.Duration) Option {
	return func(s *settings) { s.backoff, s.maxBackoff = first, most }
}

// WithMaxRetryAfter bounds the wait that a server asks for by Retry-After. The default is
// a minute.
func WithMaxRetryAfter(most time.Duration) Option {
	return func(s *settings) { s.maxRetryAfter = most }
}

// WithLogger logs each attempt: method, path, attempt, duration, and status and
// request_id of the response or the error. An attempt without a success is logged at
// level WARN, all others at DEBUG. Bodies, tokens and keys are not logged.
func WithLogger(log *slog.Logger) Option {
	return func(s *settings) { s.log = log }
}
