package barong

import (
	"log/slog"
	"net/http"
	"time"

	"barong/clients/go/api"
)

// Option configures how a [Client] sends requests.
type Option func(*settings)

type settings struct {
	client  *http.Client
	editors []api.RequestEditorFn
	log     *slog.Logger // nil: no logging

	timeout, attemptTimeout time.Duration // 0: no limit
	attempts                int
	retryWrites             bool
	backoff, maxBackoff     time.Duration
	maxRetryAfter           time.Duration
}

func defaultSettings() settings {
	return settings{
		client:  &http.Client{},
		timeout: 2 * time.Minute, attemptTimeout: time.Minute,
		attempts: 3, retryWrites: true, backoff: 200 * time.Millisecond, maxBackoff: 10 * time.Second, maxRetryAfter: time.Minute,
	}
}

// WithHTTPClient sends requests through this HTTP client, for example with a proxy, a client
// certificate or another transport. Redirects are only followed if it has a CheckRedirect.
func WithHTTPClient(client *http.Client) Option {
	return func(s *settings) { s.client = client }
}

// WithRequestEditor adds a function that changes requests before they are signed. Editors run
// in the order of the options. They may set User-Agent, Accept and Prefer.
func WithRequestEditor(editor api.RequestEditorFn) Option {
	return func(s *settings) { s.editors = append(s.editors, editor) }
}

// WithTimeout limits a call, including all attempts and the waits between them. 0 leaves only
// the limit of the context. The default is two minutes.
func WithTimeout(timeout time.Duration) Option {
	return func(s *settings) { s.timeout = timeout }
}

// WithAttemptTimeout limits each attempt, until the response has been read. 0 means no limit.
// The default is a minute, which is longer than the server's own limit by default.
func WithAttemptTimeout(timeout time.Duration) Option {
	return func(s *settings) { s.attemptTimeout = timeout }
}

// WithAttempts sets the maximum number of times that a request is sent. 0 and 1 disable retries.
// The default is 3. Only these requests are retried:
//
//   - requests that could not be sent because there was no connection;
//   - requests that got 429, except signOTP, where the attempt has already counted a code;
//   - requests of operations that only read, and of updateLabel, that got 503 or no response, and
//     of other writes but signOTP unless [WithRetriedWrites] says otherwise.
//
// Each attempt has a new signature. An envelope's jti is the same for all attempts of a call; a
// Bearer token is reused while it is valid.
func WithAttempts(attempts int) Option {
	return func(s *settings) { s.attempts = attempts }
}

// WithRetriedWrites sets whether writes are retried after 503, no response, and 409 with
// Retry-After. Each write has an idempotency key ([IdempotencyKey]), with which this project's
// server executes it once and repeats the first response. The default is true. Set it to false
// for a server that ignores the key, which may execute a retried write twice: Barong itself, or
// this project's server with BARONG_IDEMPOTENCY set to observe or off. updateLabel is then still
// retried, because repeating it has no further effect. signOTP is never retried after these
// failures: its response is not kept, and each wrong code counts.
func WithRetriedWrites(retry bool) Option {
	return func(s *settings) { s.retryWrites = retry }
}

// WithBackoff sets the waits between attempts that the server does not name: random between 0
// and first, then between 0 and twice as long, and so on up to most (exponential backoff with
// full jitter). The defaults are 200 ms and 10 s.
func WithBackoff(first, most time.Duration) Option {
	return func(s *settings) { s.backoff, s.maxBackoff = first, most }
}

// WithMaxRetryAfter limits the wait that a server requests with Retry-After. The default is a
// minute.
func WithMaxRetryAfter(most time.Duration) Option {
	return func(s *settings) { s.maxRetryAfter = most }
}

// WithLogger logs each attempt: method, path, attempt, duration, and the status and request_id
// of the response or the error. The level is DEBUG for a success, WARN for 429, 500 and above,
// and no response, and INFO for other responses. Bodies, tokens and keys are not logged.
func WithLogger(log *slog.Logger) Option {
	return func(s *settings) { s.log = log }
}
