package server

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"runtime/debug"
	"strings"
	"time"

	"github.com/go-chi/chi/v5/middleware"
	"go.opentelemetry.io/otel/trace"

	"barong/handlers"
)

var soundRequestID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// requestID is the caller's own X-Request-Id where it is short and plain, else the
// trace that the request is part of, else a random one.
func requestID(r *http.Request) string {
	if id := r.Header.Get("X-Request-Id"); id != "" && soundRequestID.MatchString(id) {
		return id
	}
	if id := traceOf(r); id != "" {
		return id
	}
	return rand.Text()[:16]
}

// caller is what is known of a request beside the request itself. It is the
// context of the request, in one piece: each value and each copy of the request
// that a chain of contexts would take has its price.
type caller struct {
	context.Context //nolint:containedctx // it is one
	requestID       string
	operation       string
	signers         []string
	refusal         handlers.Refusal
}

// begin gives the request its time from here on. It comes before anything was made
// of the context: the time that a body takes to arrive is not the server's.
func (c *caller) begin(limit time.Duration) context.CancelFunc {
	var cancel context.CancelFunc
	c.Context, cancel = context.WithTimeout(c.Context, limit)
	return cancel
}

// refused notes why a request is answered with an error.
func refused(ctx context.Context, refusal handlers.Refusal) { callerOf(ctx).refusal = refusal }

type callerKey struct{}

// Value adds the caller and the request's id, where package middleware and with it
// the error writer look for that, to the values of the context.
func (c *caller) Value(key any) any {
	switch key {
	case callerKey{}:
		return c
	case middleware.RequestIDKey:
		return c.requestID
	default:
		return c.Context.Value(key)
	}
}

// callerOf is the record of the request that the access log will read.
func callerOf(ctx context.Context) *caller {
	if known, ok := ctx.Value(callerKey{}).(*caller); ok {
		return known
	}
	return &caller{}
}

// arrival is where every request comes in and every answer goes out. It gives the
// request an id, which the answer and the log carry, and the answer the headers that
// protect it; it counts the request, has a span for it where there is a tracer, and
// writes one line for it to the log. Parameters are in none of these: they hold
// passwords and personal data.
type arrival struct {
	log     *slog.Logger
	metrics *metrics
	tracer  trace.Tracer // nil: nothing is traced
}

func (a *arrival) middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		a.metrics.inFlight.Inc()
		ctx := r.Context()
		var span trace.Span
		if a.tracer != nil {
			ctx, span = startSpan(a.tracer, r)
		}
		by := &caller{Context: ctx, requestID: requestID(r)}
		protect(w.Header())
		w.Header().Set("X-Request-Id", by.requestID)
		wrapped := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
		returned := false
		defer func() {
			status, took := statusOf(wrapped.Status(), !returned), time.Since(start)
			a.metrics.inFlight.Dec()
			a.metrics.answered(by.operation, status, by.refusal.Reason, took)
			if span != nil {
				endSpan(span, r, by, status)
			}
			a.write(by, r, status, wrapped.BytesWritten(), took)
		}()
		next.ServeHTTP(wrapped, r.WithContext(by))
		returned = true
	})
}

// write makes the line of a request. A refusal has its reason in it, with the
// cause that the caller does not learn.
func (a *arrival) write(by *caller, r *http.Request, status, bytes int, took time.Duration) {
	level := slog.LevelInfo
	if by.refusal.Reason != "" {
		level = by.refusal.Level()
	}
	if !a.log.Enabled(by, level) {
		return
	}
	attributes := append(make([]slog.Attr, 0, 12),
		slog.String("request_id", by.requestID), slog.String("remote", r.RemoteAddr),
		slog.String("method", methodOf(r)), slog.String("path", pathOf(r, by.operation)),
		slog.String("operation", by.operation), slog.String("signers", strings.Join(by.signers, " ")),
		slog.Int("status", status), slog.Int("bytes", bytes), slog.Float64("duration_ms", float64(took.Microseconds())/1000))
	if trace := traceOf(r); trace != "" && trace != by.requestID {
		attributes = append(attributes, slog.String("trace_id", trace))
	}
	if by.refusal.Reason != "" {
		attributes = append(attributes, slog.String("reason", by.refusal.Reason), slog.String("error", redacted(by.refusal.Err.Error())))
	}
	a.log.LogAttrs(by, level, "request", attributes...)
}

// recovery turns a panic into a 500 and keeps its stack in the log.
func recovery(errs handlers.Errors) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer func() {
				cause := recover()
				if cause == nil {
					return
				}
				if err, ok := cause.(error); ok && errors.Is(err, http.ErrAbortHandler) {
					panic(cause) // net/http's own way to hang up
				}
				errs.Fail(w, r, fmt.Errorf("panic: %v\n%s", cause, debug.Stack()))
			}()
			next.ServeHTTP(w, r)
		})
	}
}
