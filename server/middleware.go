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

	"barong/handlers"
)

var soundRequestID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// requestID is the caller's own X-Request-Id where it is short and plain, else a
// random one.
func requestID(r *http.Request) string {
	if id := r.Header.Get("X-Request-Id"); id != "" && soundRequestID.MatchString(id) {
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
}

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

// arrival gives every request an id, which the answer and the log carry, and a
// time that it may take; and it writes one line for it to the log. Parameters are
// not in it: they hold passwords and personal data.
func arrival(log *slog.Logger, limit time.Duration) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			start := time.Now()
			by := &caller{Context: r.Context(), requestID: requestID(r)}
			w.Header().Set("X-Request-Id", by.requestID)
			ctx, cancel := context.WithTimeout(by, limit)
			defer cancel()
			wrapped := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
			defer func() {
				log.LogAttrs(ctx, slog.LevelInfo, "request",
					slog.String("request_id", by.requestID), slog.String("remote", r.RemoteAddr),
					slog.String("method", r.Method), slog.String("path", r.URL.Path),
					slog.String("operation", by.operation), slog.String("signers", "["+strings.Join(by.signers, " ")+"]"),
					slog.Int("status", wrapped.Status()), slog.Int("bytes", wrapped.BytesWritten()), slog.Duration("duration", time.Since(start)))
			}()
			next.ServeHTTP(wrapped, r.WithContext(ctx))
		})
	}
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
