// Package server is the HTTP layer: connections and their limits, the gate (authentication,
// authorisation, validation) and the generated routes behind it. It also manages the life of
// the process: listening, readiness, draining.
package server

import (
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"

	"barong/generated"
	"barong/handlers"
	"barong/internal/auth"
	"barong/internal/problem"
)

// Options configures a server. All fields are required except Connections, Rates, PublicURL,
// Once, Writes, Docs, Metrics and Tracer.
type Options struct {
	Operations generated.StrictServerInterface
	Keychain   *auth.Source
	Log        *slog.Logger
	Clock      func() time.Time
	BodyLimit  int64         // in bytes; a larger body is rejected
	BodyMemory int64         // in bytes; for all bodies together
	InFlight   int           // operations in progress at once; more are rejected
	Downloads  int           // documents being sent at once; more are rejected
	Timeout    time.Duration // for one request, from the last byte of its body
	// Connections limits connections and open requests. If it is nil, only open requests are
	// limited, and no connection is preferred as authenticated.
	Connections *Connections
	Timeouts    Timeouts    // for slow clients
	Rates       *RateLimits // rate limits of signers; nil: none
	Spec        []byte      // openapi.yaml, served unchanged
	PublicURL   string      // the base URL that clients use, for served documents that name it; "": not known
	PublicKeys  []byte      // the server's public keys, as a JWK set
	Docs        *Docs       // nil: no documentation page
	// Document serves a signed URL. When it returns an error, it has not written a response.
	Document func(http.ResponseWriter, *http.Request) error
	// Once runs each operation; nil: nothing does. It gets the record of a write in the context.
	Once    generated.StrictMiddlewareFunc
	Writes  Writes                // what is recorded of requests that write
	Metrics prometheus.Registerer // registry of the request metrics; nil: none
	Tracer  trace.Tracer          // creates a span for each request; nil: none
}

// New returns the handler of the public listener.
func New(o Options) (http.Handler, error) {
	document, err := Specification()
	if err != nil {
		return nil, fmt.Errorf("the embedded specification cannot be read: %w", err)
	}
	errs := handlers.Errors{Log: o.Log, OnError: recordError}
	gate, err := newGate(document, o, errs)
	if err != nil {
		return nil, err
	}

	router := chi.NewRouter()
	outermost := &requestMiddleware{log: o.Log, metrics: newMetrics(document, o.Metrics), tracer: o.Tracer}
	connections := o.Connections
	if connections == nil {
		connections = NewConnections(math.MaxInt, o.InFlight, nil)
	}
	router.Use(outermost.middleware, openRequests(connections, o.Timeouts, errs), endChunked, recovery(errs))
	router.NotFound(func(w http.ResponseWriter, r *http.Request) {
		if o.Docs != nil && isBrowserAtRoot(r) {
			redirectToDocs(w)
			return
		}
		errs.Fail(w, r, errNoRoute)
	})
	router.MethodNotAllowed(wrongMethod(router, errs))
	if err := servePublic(router, o.Spec, o.PublicKeys, o.PublicURL, errs); err != nil {
		return nil, err
	}
	serveDocuments(router, o.Document, &limiter{limit: int64(o.Downloads)}, o.Timeout, errs)
	if o.Docs != nil {
		if err := serveDocs(router, *o.Docs, o.Spec, errs); err != nil {
			return nil, err
		}
	}
	var once []generated.StrictMiddlewareFunc
	if o.Once != nil {
		once = append(once, o.Once)
	}
	operations := generated.NewStrictHandlerWithOptions(o.Operations, once, generated.StrictHTTPServerOptions{
		RequestErrorHandlerFunc:  errs.Fail,
		ResponseErrorHandlerFunc: errs.Fail,
	})
	generated.HandlerWithOptions(operations, generated.ChiServerOptions{
		BaseURL:          handlers.BasePath,
		BaseRouter:       router,
		Middlewares:      []generated.MiddlewareFunc{gate.middleware},
		ErrorHandlerFunc: errs.Fail,
	})
	return router, nil
}

var errNoRoute = problem.New(problem.NotFound, "Route is not found")

// wrongMethod responds to a request for a known path with another method. The router also
// calls it for non-standard methods on any path, hence the check for a known path.
func wrongMethod(router chi.Routes, errs handlers.Errors) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var allowed []string
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut} {
			if router.Match(chi.NewRouteContext(), method, r.URL.Path) {
				allowed = append(allowed, method)
			}
		}
		if allowed == nil {
			errs.Fail(w, r, errNoRoute)
			return
		}
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		errs.Fail(w, r, problem.New(problem.MethodNotAllowed, "Only POST and PUT verbs are allowed."))
	}
}

// endChunked closes an HTTP/1.1 connection after the response to a chunked body. Such a
// request may have had a Content-Length too, which RFC 9112, section 6.3, treats as attempted
// request smuggling; net/http removes that header, so that the two cases cannot be
// distinguished.
func endChunked(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.TransferEncoding) > 0 {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}
