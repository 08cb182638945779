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

// requestID returns the client's X-Request-Id if it is valid, else the trace ID of the
// request, else a random ID.
func requestID(r *http.Request) string {
	if id := r.Header.Get("X-Request-Id"); id != "" && soundRequestID.MatchString(id) {
		return id
	}
	if id := traceOf(r); id != "" {
		return id
	}
	return rand.Text()[:16]
}

// requestInfo is what the log, the metrics and the trace record of a request. The layers that
// handle the request fill it through the request's context.
type requestInfo struct {
	requestID     string
	operation     string
	signers       []string
	errorResponse handlers.ErrorResponse
}

type requestInfoKey struct{}

// withRequestInfo stores the record in the context of a request.
func withRequestInfo(ctx context.Context, info *requestInfo) context.Context {
	return context.WithValue(ctx, requestInfoKey{}, info)
}

// requestInfoOf returns the record of the request, which the access log reads. Without one in
// the context, it returns an empty record.
func requestInfoOf(ctx context.Context) *requestInfo {
	if info, ok := ctx.Value(requestInfoKey{}).(*requestInfo); ok {
		return info
	}
	return &requestInfo{}
}

// recordError stores the error response of a request in its record.
func recordError(ctx context.Context, response handlers.ErrorResponse) {
	requestInfoOf(ctx).errorResponse = response
}

// requestMiddleware is the outermost middleware. It sets the request ID (in the response and
// the log) and the security headers, counts the request, creates a span if there is a tracer,
// and writes one log line. None of these contains parameters, because parameters hold
// passwords and personal data.
type requestMiddleware struct {
	log     *slog.Logger
	metrics *metrics
	tracer  trace.Tracer // nil disables tracing
}

func (a *requestMiddleware) middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		a.metrics.inFlight.Inc()
		ctx := r.Context()
		var span trace.Span
		if a.tracer != nil {
			ctx, span = startSpan(a.tracer, r)
		}
		info := &requestInfo{requestID: requestID(r)}
		r = r.WithContext(withRequestInfo(ctx, info))
		setSecurityHeaders(w.Header())
		w.Header().Set("X-Request-Id", info.requestID)
		wrapped := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
		returned := false
		defer func() {
			status, took := statusOf(wrapped.Status(), !returned), time.Since(start)
			a.metrics.inFlight.Dec()
			a.metrics.answered(info.operation, status, info.errorResponse.Reason, took)
			if span != nil {
				endSpan(span, r, info, status)
			}
			a.write(info, r, status, wrapped.BytesWritten(), took)
		}()
		next.ServeHTTP(wrapped, r)
		returned = true
	})
}

// write writes the log line of a request. For an error response it includes the reason and the
// cause, which the client does not see.
func (a *requestMiddleware) write(info *requestInfo, r *http.Request, status, bytes int, took time.Duration) {
	level := slog.LevelInfo
	if info.errorResponse.Reason != "" {
		level = info.errorResponse.Level()
	}
	if !a.log.Enabled(r.Context(), level) {
		return
	}
	attributes := append(make([]slog.Attr, 0, 12),
		slog.String("request_id", info.requestID), slog.String("remote", r.RemoteAddr),
		slog.String("method", methodOf(r)), slog.String("path", pathOf(r, info.operation)),
		slog.String("operation", info.operation), slog.String("signers", strings.Join(info.signers, " ")),
		slog.Int("status", status), slog.Int("bytes", bytes), slog.Float64("duration_ms", float64(took.Microseconds())/1000))
	if trace := traceOf(r); trace != "" && trace != info.requestID {
		attributes = append(attributes, slog.String("trace_id", trace))
	}
	if info.errorResponse.Reason != "" {
		attributes = append(attributes, slog.String("reason", info.errorResponse.Reason), slog.String("error", redacted(info.errorResponse.Err.Error())))
	}
	a.log.LogAttrs(r.Context(), level, "request", attributes...)
}

// recovery turns a panic into a 500 response, and logs its stack.
func recovery(errs handlers.Errors) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer func() {
				cause := recover()
				if cause == nil {
					return
				}
				if err, ok := cause.(error); ok && errors.Is(err, http.ErrAbortHandler) {
					panic(cause) // net/http uses this panic to abort a response
				}
				errs.Fail(w, r, fmt.Errorf("panic: %v\n%s", cause, debug.Stack()))
			}()
			next.ServeHTTP(w, r)
		})
	}
}
