package app

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"barong/handlers"
	"barong/internal/config"
	"barong/internal/journal"
	"barong/internal/server"
	"barong/repository"
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
	for _, operation := range handlers.Writing() { // from 0 on, so that the first event is an increase
		for _, result := range handlers.KeyResults() {
			counter.WithLabelValues(operation, string(result))
		}
	}
	return func(ctx context.Context, record *journal.Record, result handlers.KeyResult) {
		counter.WithLabelValues(record.Operation, string(result)).Inc()
		if result == handlers.KeyObserved {
			log.InfoContext(ctx, "a request was executed again: its key is only observed", "request_id", record.RequestID, "operation", record.Operation, "entry", record.Entry)
		}
	}
}

// sweepInterval is the time between two sweeps of idempotency keys. Servers begin at different times.
const sweepInterval = time.Hour

// sweepKeys deletes expired idempotency keys until ctx ends. A sweep that fails is logged, and the next one
// comes an interval later.
func sweepKeys(ctx context.Context, repo *repository.Repository, log *slog.Logger) {
	for pause := rand.N(sweepInterval); ; pause = sweepInterval { //nolint:gosec // not a secret
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		swept, err := repo.SweepKeys(ctx, time.Now())
		switch {
		case err != nil && ctx.Err() == nil:
			log.Warn("expired idempotency keys could not be deleted", "error", err)
		case swept > 0:
			log.Debug("expired idempotency keys are deleted", "keys", swept)
		}
	}
}
