package server

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"sync/atomic"

	"github.com/go-chi/chi/v5"
)

// Reasons why a server is not ready.
const (
	ReasonStarting = "starting"  // the server opens its database, or brings the schema up to date
	ReasonDraining = "draining"  // the process received a signal to stop
	ReasonDatabase = "database"  // the database does not answer, or answers with an unexpected error
	ReasonReadOnly = "read-only" // the database answers and accepts no writes
	ReasonPool     = "pool"      // the database answers, but requests hold every connection of the pool and none became free in time
	ReasonSchema   = "schema"    // the database answers, and its schema lacks something that this binary needs
)

// NotReady is a readiness error with one of the reasons above. An error of another type counts
// as ReasonDatabase.
type NotReady struct {
	Reason  string
	Message string // a sentence for an operator, without secrets: /readyz shows it
	Err     error  // for the log
}

func (e *NotReady) Error() string { return e.Message + ": " + e.Err.Error() }

// Unwrap returns the cause, for errors.Is and errors.As.
func (e *NotReady) Unwrap() error { return e.Err }

// health is the response body of /healthz and /readyz.
type health struct {
	Status  string `json:"status"` // ok, ready or not_ready
	Reason  string `json:"reason,omitempty"`
	Message string `json:"message,omitempty"`
}

// Admin serves the admin listener. It starts before the database is opened and ends with the
// process.
type Admin struct {
	listener net.Listener
	server   *http.Server
	metrics  http.Handler
	log      *slog.Logger
	failed   chan error
	check    atomic.Pointer[func(context.Context) error] // nil until the server can serve
	draining atomic.Bool

	checkpoint atomic.Pointer[string] // of the journal; nil: none is known
}

// OpenAdmin starts to serve the listener. metrics serves /metrics; without it (nil) the path
// does not exist.
func OpenAdmin(listener net.Listener, metrics http.Handler, log *slog.Logger) *Admin {
	a := &Admin{listener: listener, metrics: metrics, log: log, failed: make(chan error, 1)}
	a.server = newHTTPServer(a.routes(), DefaultTimeouts, 0, log)
	go func() { a.failed <- a.server.Serve(listener) }()
	return a
}

// Close closes the listener and all its connections at once.
func (a *Admin) Close() error { return a.server.Close() }

// PublishCheckpoint sets the newest signed checkpoint of the journal.
func (a *Admin) PublishCheckpoint(signed string) { a.checkpoint.Store(&signed) }

func (a *Admin) serveCheckpoint(w http.ResponseWriter, r *http.Request) {
	signed := a.checkpoint.Load()
	if signed == nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = io.WriteString(w, *signed)
}

// routes serves process supervision: /healthz (liveness), /readyz (readiness), /metrics
// (Prometheus format), /journal/checkpoint (the newest checkpoint) and /debug/pprof/ (profiles).
func (a *Admin) routes() http.Handler {
	router := chi.NewRouter()
	router.Get("/healthz", func(w http.ResponseWriter, _ *http.Request) { writeHealth(w, health{Status: "ok"}) })
	router.Get("/readyz", func(w http.ResponseWriter, r *http.Request) { writeHealth(w, a.readiness(r.Context())) })
	if a.metrics != nil {
		router.Method(http.MethodGet, "/metrics", a.metrics)
	}
	router.Get("/journal/checkpoint", a.serveCheckpoint)
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
	// The check outlives a client that disconnects: its result also feeds the metrics, and its
	// database connection stays open for the next check.
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
