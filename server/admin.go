package server

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/pprof"
	"sync/atomic"

	"github.com/go-chi/chi/v5"
)

// The reasons for which a server is not ready.
const (
	ReasonDraining = "draining" // it was told to stop
	ReasonDatabase = "database" // the database does not answer
	ReasonSchema   = "schema"   // the database answers, and its schema lacks what this binary needs
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

// adminRoutes are for whoever supervises the process: /healthz says that it lives,
// /readyz that it should get requests, /metrics how it does (in the format of
// Prometheus), /debug/pprof/ what it is busy with.
func (l Life) adminRoutes(draining *atomic.Bool) http.Handler {
	router := chi.NewRouter()
	router.Get("/healthz", func(w http.ResponseWriter, _ *http.Request) { writeHealth(w, health{Status: "ok"}) })
	router.Get("/readyz", func(w http.ResponseWriter, r *http.Request) { writeHealth(w, l.readiness(r.Context(), draining)) })
	if l.Metrics != nil {
		router.Method(http.MethodGet, "/metrics", l.Metrics)
	}
	router.HandleFunc("/debug/pprof/*", pprof.Index)
	router.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	router.HandleFunc("/debug/pprof/profile", pprof.Profile)
	router.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	router.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return router
}

func (l Life) readiness(ctx context.Context, draining *atomic.Bool) health {
	if draining.Load() {
		return health{"not_ready", ReasonDraining, "the server is told to stop and takes no new work"}
	}
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	err := l.Check(ctx)
	if err == nil {
		return health{Status: "ready"}
	}
	l.Log.Warn("not ready", "error", redacted(err.Error()))
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
