package app

import (
	"context"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"barong/handlers"
	"barong/internal/config"
	"barong/internal/journal"
	"barong/internal/server"
)

// writes returns what is recorded of requests that write. By default the claim jti is only observed: one
// of the clients in use makes the same jti twice under load.
func writes(c config.Config) server.Writes {
	w := server.Writes{Journal: c.Journal != config.Off, Proof: c.JournalProof != config.ProofNone, Require: c.IdempotencyRequire}
	switch c.Idempotency {
	case "":
		w.Header, w.JTI = server.KeysEnforced, server.KeysObserved
	case config.On:
		w.Header, w.JTI = server.KeysEnforced, server.KeysEnforced
	case config.Observe:
		w.Header, w.JTI = server.KeysObserved, server.KeysObserved
	}
	return w
}

// countKeys counts what became of requests with idempotency keys, and logs those that were executed although
// an observed key was spent.
func countKeys(registry *prometheus.Registry, log *slog.Logger) func(context.Context, *journal.Record, handlers.KeyResult) {
	counter := promauto.With(registry).NewCounterVec(prometheus.CounterOpts{
		Name: "barong_idempotency_total", Help: "Requests with an idempotency key, by operation and by what became of them.",
	}, []string{"operation", "result"})
	return func(ctx context.Context, record *journal.Record, result handlers.KeyResult) {
		counter.WithLabelValues(record.Operation, string(result)).Inc()
		if result == handlers.KeyObserved {
			log.InfoContext(ctx, "a request was executed again: its key is only observed", "request_id", record.RequestID, "operation", record.Operation, "entry", record.Entry)
		}
	}
}
