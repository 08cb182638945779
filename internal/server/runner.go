package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// Runner is a process that serves: two listeners, and what happens from the first
// request to the last.
type Runner struct {
	Public   net.Listener
	Bound    *Connections                    // of the public listener; nil: it has none
	TLS      *Certificates                   // of the public listener; nil: it speaks plain HTTP
	Admin    *Admin                          // which Serve closes
	Handler  http.Handler                    // of the public listener
	Check    func(ctx context.Context) error // nil when requests can be served now; else best a NotReady
	Timeouts Timeouts                        // of slow clients
	Timeout  time.Duration                   // that the handler gives a request
	Delay    time.Duration                   // from the end of being ready to the end of accepting
	Drain    time.Duration                   // for what is in flight when the end comes
	Log      *slog.Logger
}

// CheckTimeout bounds one check of whether requests can be served.
const CheckTimeout = 2 * time.Second

const (
	headerLimit = 16 << 10 // bytes: a token with an RSA signature has about 700

	// What one connection of HTTP/2 may have open, and may send before it is read, in
	// bytes.
	streamLimit      = 50
	connectionBuffer = 128 << 10
	streamBuffer     = 64 << 10
)

// Serve answers requests until ctx ends. Then the process stops being ready and
// sends its clients away with each answer; after Delay it takes no new connection,
// and finishes what is in flight within Drain.
func (l Runner) Serve(ctx context.Context) error {
	var draining atomic.Bool
	public := newHTTPServer(closeOnDrain(&draining, l.Handler), l.Timeouts, l.Timeout, l.Log)
	listener := l.Public
	if l.Bound != nil {
		listener = l.Bound.Listen(listener)
		public.ConnContext = l.Bound.Context
	}
	if l.TLS != nil {
		listener = l.TLS.Listen(listener)
	}
	failed := make(chan error, 1)
	go func() { failed <- public.Serve(listener) }()
	l.Admin.check.Store(&l.Check)
	l.Log.Info("ready", "listen", l.Public.Addr().String(), "admin", l.Admin.listener.Addr().String(), "tls", l.TLS != nil)

	var cause error
	select {
	case <-ctx.Done():
	case cause = <-failed:
	case cause = <-l.Admin.failed:
	}
	if cause != nil {
		cause = fmt.Errorf("a listener broke: %w", cause)
	}
	draining.Store(true)
	l.Admin.draining.Store(true)
	l.Log.Info("draining", "delay", l.Delay, "at_most", l.Drain)
	if cause == nil {
		time.Sleep(l.Delay)
	}
	expired, cancel := context.WithTimeout(context.WithoutCancel(ctx), l.Drain)
	defer cancel()
	err := public.Shutdown(expired)
	if errors.Is(err, context.DeadlineExceeded) {
		err = errors.Join(fmt.Errorf("requests were still in flight after %s and were cut off", l.Drain), public.Close())
	}
	return errors.Join(cause, err, l.Admin.Close())
}

// closeOnDrain has each answer end its connection while the server drains: a connection
// that is closed only later may be so just when a client has sent a request on it.
func closeOnDrain(draining *atomic.Bool, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if draining.Load() {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// newHTTPServer is one whose handler gives a request at most so much time.
func newHTTPServer(handler http.Handler, timeouts Timeouts, timeout time.Duration, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: timeouts.Header,
		ReadTimeout:       timeouts.read(),
		WriteTimeout:      timeouts.write(timeout),
		IdleTimeout:       timeouts.Idle,
		MaxHeaderBytes:    headerLimit,
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams:          streamLimit,
			MaxReceiveBufferPerConnection: connectionBuffer,
			MaxReceiveBufferPerStream:     streamBuffer,
			WriteByteTimeout:              timeouts.Progress,
		},
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}
