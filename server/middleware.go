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
	"time"

	"github.com/go-chi/chi/v5/middleware"

	"barong/handlers"
)

var soundRequestID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// requestID gives every request an id, which the answer and the log carry: the
// caller's own X-Request-Id where it is short and plain, else a random one.
func requestID(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get("X-Request-Id")
		if !soundRequestID.MatchString(id) {
			id = rand.Text()[:16]
		}
		w.Header().Set("X-Request-Id", id)
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), middleware.RequestIDKey, id)))
	})
}

// caller is what the access log learns about a request further down.
type caller struct {
	operation string
	signers   []string
}

type callerKey struct{}

// callerOf is the record of the request that the access log will read.
func callerOf(ctx context.Context) *caller {
	if known, ok := ctx.Value(callerKey{}).(*caller); ok {
		return known
	}
	return &caller{}
}

// accessLog writes one line for each request. Parameters are not in it: they
// hold passwords and personal data.
func accessLog(log *slog.Logger) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			start := time.Now()
			wrapped := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
			by := &caller{}
			defer func() {
				log.InfoContext(r.Context(), "request", "request_id", middleware.GetReqID(r.Context()), "remote", r.RemoteAddr,
					"method", r.Method, "path", r.URL.Path, "operation", by.operation, "signers", by.signers,
					"status", wrapped.Status(), "bytes", wrapped.BytesWritten(), "duration", time.Since(start))
			}()
			next.ServeHTTP(wrapped, r.WithContext(context.WithValue(r.Context(), callerKey{}, by)))
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

// deadline bounds the time that one request may take.
func deadline(limit time.Duration) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ctx, cancel := context.WithTimeout(r.Context(), limit)
			defer cancel()
			next.ServeHTTP(w, r.WithContext(ctx))
		})
	}
}
