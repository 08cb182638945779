package server

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"sync/atomic"

	"github.com/go-chi/chi/v5"
)

// The reasons for which a server is not ready.
const (
	ReasonStarting = "starting"  // it opens its database, or brings the schema up to date
	ReasonDraining = "draining"  // it was told to stop
	ReasonDatabase = "database"  // the database does not answer, or not as it should
	ReasonReadOnly = "read-only" // the database answers and takes no writes
	ReasonPool     = "pool"      // the database answers, but requests hold all connections of the pool, and none came back in time
	ReasonSchema   = "schema"    // the database answers, and its schema lacks what this binary needs
)

// NotReady is an error with one of the reasons. A check's error without one has the
// reason ReasonDatabase.
type NotReady struct {
	Reason  string
	Message string // a sentence for a person; without secrets, since /readyz shows it
	Err     error  // for the log
}

func (e *NotReady) Error() string { return e.Message + ": " + e.Err.Error() }

// Unwrap gives errors.Is and errors.As the cause.
func (e *NotReady) Unwrap() error { return e.Err }

// health is the answer of /healthz and /readyz.
type health struct {
	Status  string `json:"status"` // ok, ready or not_ready
	Reason  string `json:"reason,omitempty"`
	Message string `json:"message,omitempty"`
}

// Admin answers on the admin listener, from before the database is opened to the
// end of the process.
type Admin struct {
	listener net.Listener
	server   *http.Server
	metrics  http.Handler
	log      *slog.Logger
	failed   chan error
	check    atomic.Pointer[func(context.Context) error] // nil until the server can serve
	draining atomic.Bool
}

// OpenAdmin serves the listener. metrics answers /metrics; nil: nobody does.
func OpenAdmin(listener net.Listener, metrics http.Handler, log *slog.Logger) *Admin {
	a := &Admin{listener: listener, metrics: metrics, log: log, failed: make(chan error, 1)}
	a.server = newHTTPServer(a.routes(), DefaultTimeouts, 0, log)
	go func() { a.failed <- a.server.Serve(listener) }()
	return a
}

// Close ends it, whatever it is answering.
func (a *Admin) Close() error { return a.server.Close() }

// routes are for whoever supervises the process: /healthz says that it lives,
// /readyz that it should get requests, /metrics how it does (in the format of
// Prometheus), /debug/pprof/ what it is busy with.
func (a *Admin) routes() http.Handler {
	router := chi.NewRouter()
	router.Get("/healthz", func(w http.ResponseWriter, _ *http.Request) { writeHealth(w, health{Status: "ok"}) })
	router.Get("/readyz", func(w http.ResponseWriter, r *http.Request) { writeHealth(w, a.readiness(r.Context())) })
	if a.metrics != nil {
		router.Method(http.MethodGet, "/metrics", a.metrics)
	}
	router.HandleFunc("/debug/pprof/*", pprof.Index)
	router.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	router.HandleFunc("/debug/pprof/profile", pprof.Profile)
	router.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	router.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return router
}

func (a *Admin) readiness(ctx context.Context) health {
	if a.draining.Load() {
		return health{"not_ready", ReasonDraining, "the server is told to stop and takes no new work"}
	}
	check := a.check.Load()
	if check == nil {
		return health{"not_ready", ReasonStarting, "the server opens its database and brings the schema up to date"}
	}
	// Whoever asked may give up sooner. The check goes on: what it finds is also for
	// the metrics, and its connection for the next check.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), CheckTimeout)
	defer cancel()
	err := (*check)(ctx)
	if err == nil {
		return health{Status: "ready"}
	}
	a.log.Warn("not ready", "error", redacted(err.Error()))
	var known *NotReady
	if errors.As(err, &known) {
		return health{"not_ready", known.Reason, known.Message}
	}
	return health{"not_ready", ReasonDatabase, "the database does not answer"}
}

func writeHealth(w http.ResponseWriter, h health) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if h.Reason != "" {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_ = json.NewEncoder(w).Encode(h)
}
