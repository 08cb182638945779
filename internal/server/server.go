// Package server is the way of a request: from the socket through the gate,
// which decides who calls what with which parameters, to the generated routes.
// It also holds the process's life: listening, being ready, draining.
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

// Options is what a server is made of. All of it is required, but Connections,
// Rates, PublicURL, Docs, Metrics and Tracer.
type Options struct {
	Operations generated.StrictServerInterface
	Keychain   *auth.Source
	Log        *slog.Logger
	Clock      func() time.Time
	BodyLimit  int64         // in bytes; a larger body is refused
	BodyMemory int64         // in bytes; what large bodies may take at once
	InFlight   int           // operations that are worked on at once; one more is refused
	Downloads  int           // documents that are sent at once; one more is refused
	Timeout    time.Duration // for one request, from the last byte of its body
	// Connections bounds the requests that are open; nil: they have a bound of their
	// own, and strangers cannot be told from callers by their connections.
	Connections *Connections
	Timeouts    Timeouts    // of slow clients
	Rates       *RateLimits // of signers; nil: there are none
	Spec        []byte      // openapi.yaml, served as it is
	PublicURL   string      // where callers reach the server, for documents that name it; "": they do not
	PublicKeys  []byte      // the server's own, as a JWK set
	Docs        *Docs       // nil: there is no documentation to read in a browser
	// Document answers a signed URL; an error that it returns was not written yet.
	Document func(http.ResponseWriter, *http.Request) error
	Metrics  prometheus.Registerer // what requests are counted in; nil: nowhere
	Tracer   trace.Tracer          // makes a span of each request; nil: none
}

// New makes the handler of the public listener.
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
	operations := generated.NewStrictHandlerWithOptions(o.Operations, nil, generated.StrictHTTPServerOptions{
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

// wrongMethod answers a known path with an unknown verb. The router asks it for
// verbs that HTTP does not define too, whatever the path.
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

// endChunked ends an HTTP/1.1 connection after the answer to a body of chunks. Where
// it had a Content-Length as well (RFC 9112, section 6.3: an attempt at request
// smuggling), net/http has removed that, so that neither can be told from the other.
func endChunked(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.TransferEncoding) > 0 {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}
