package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"barong/internal/server"
	"barong/repository"
)

// databaseReasons are the reasons for which the database check fails.
var databaseReasons = []string{server.ReasonDatabase, server.ReasonReadOnly, server.ReasonPool, server.ReasonSchema}

// watchDatabase exports the pool and the schema version as metrics, and returns a readiness
// check for both, whose errors are server.NotReady. The metrics show the result of the last
// check. stop closes the connection that the check keeps open.
func watchDatabase(registry *prometheus.Registry, pool *pgxpool.Pool) (check func(context.Context) error, stop func(), err error) {
	registry.MustRegister(repository.NewPoolCollector(pool))
	factory := promauto.With(registry)
	latest, err := repository.LatestSchema()
	if err != nil {
		return nil, nil, err
	}
	factory.NewGauge(prometheus.GaugeOpts{
		Name: "barong_schema_version_required", Help: "The newest migration that this binary has.",
	}).Set(float64(latest))
	applied := factory.NewGauge(prometheus.GaugeOpts{
		Name: "barong_schema_version", Help: "The newest migration that the database has taken, at the last check.",
	})
	ready := factory.NewGauge(prometheus.GaugeOpts{
		Name: "barong_database_ready", Help: "Whether requests could be served from the database, at the last check.",
	})
	notReady := factory.NewGaugeVec(prometheus.GaugeOpts{
		Name: "barong_database_not_ready", Help: "1 for the reason for which requests could not be served from the database, at the last check.",
	}, []string{"reason"})
	report := func(reason string) { // reason is empty if the check succeeded
		ready.Set(0)
		if reason == "" {
			ready.Set(1)
		}
		for _, each := range databaseReasons {
			notReady.WithLabelValues(each).Set(0)
		}
		if reason != "" {
			notReady.WithLabelValues(reason).Set(1)
		}
	}
	probe := repository.NewProbe(pool)
	check = func(ctx context.Context) error {
		version, err := probe.Check(ctx)
		if version > 0 {
			applied.Set(float64(version))
		}
		if err == nil {
			report("")
			return nil
		}
		failure := notReadyFor(err, version, latest, pool.Config().MaxConns)
		report(failure.Reason)
		return failure
	}
	stop = func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		probe.Close(ctx)
	}
	return check, stop, nil
}

// notReadyFor converts an error of the database probe to the reason and the message that
// /readyz shows.
func notReadyFor(err error, version, latest int64, connections int32) *server.NotReady {
	failure := &server.NotReady{Reason: server.ReasonDatabase, Message: "the database does not answer", Err: err}
	var refusal *pgconn.PgError
	switch {
	case errors.Is(err, repository.ErrReadOnly):
		failure.Reason = server.ReasonReadOnly
		failure.Message = "the database takes no writes: it is a standby, or default_transaction_read_only is on"
	case errors.Is(err, repository.ErrSchemaOutdated):
		failure.Reason = server.ReasonSchema
		failure.Message = fmt.Sprintf("the schema is at version %d and this binary needs %d", version, latest)
	case errors.Is(err, repository.ErrPoolExhausted):
		failure.Reason = server.ReasonPool
		failure.Message = fmt.Sprintf("the database answers, but requests hold all %d connections of the pool, and none came back in time", connections)
	case errors.As(err, &refusal):
		failure.Message = "the database answers with an error, SQLSTATE " + refusal.Code
	}
	return failure
}

// firstCheck runs the check once, so that the metrics have values before the first request to
// /readyz.
func firstCheck(ctx context.Context, check func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, server.CheckTimeout)
	defer cancel()
	return check(ctx)
}
