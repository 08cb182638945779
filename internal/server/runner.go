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

// Runner is the serving process: two listeners, from the first request to the end of the
// drain.
type Runner struct {
	Public   net.Listener
	Bound    *Connections                    // limits of the public listener; nil: none
	TLS      *Certificates                   // TLS of the public listener; nil: plain HTTP
	Admin    *Admin                          // closed by Serve
	Handler  http.Handler                    // of the public listener
	Check    func(ctx context.Context) error // returns nil if requests can be served now, else preferably a NotReady
	Timeouts Timeouts                        // for slow clients
	Timeout  time.Duration                   // for one request, as the handler enforces it
	Delay    time.Duration                   // from not ready to no longer accepting connections
	Drain    time.Duration                   // for requests in flight after that
	Log      *slog.Logger
}

// CheckTimeout bounds one readiness check.
const CheckTimeout = 2 * time.Second

const (
	headerLimit = 16 << 10 // in bytes; a token with an RSA signature takes about 700

	// HTTP/2 limits of one connection: its streams, and its receive buffers in bytes.
	streamLimit      = 50
	connectionBuffer = 128 << 10
	streamBuffer     = 64 << 10
)

// Serve serves requests until ctx ends. Then the process reports that it is not ready, and
// each response asks its client to close the connection. After Delay it accepts no more
// connections, and gives requests in flight up to Drain to finish.
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

// closeOnDrain sends Connection: close with each response while the server drains. A
// connection that the server closed later, when idle, could be closed just as its client sends
// a request.
func closeOnDrain(draining *atomic.Bool, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if draining.Load() {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// newHTTPServer returns a server for a handler that takes at most timeout for a request.
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
