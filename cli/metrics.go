package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"runtime/debug"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"barong/handlers"
	"barong/otp"
	"barong/repository"
	"barong/server"
)

// newRegistry has what is known of the process before it serves: its build, the
// Go runtime, and what the system says of it.
func newRegistry() (*prometheus.Registry, error) {
	document, err := server.Specification()
	if err != nil {
		return nil, err
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	promauto.With(registry).NewGaugeVec(prometheus.GaugeOpts{
		Name: "barong_build_info", Help: "Always 1; the labels say what was built.",
	}, []string{"version", "api_version", "revision", "go_version"}).WithLabelValues(productVersion(), document.Info.Version, commit(), runtime.Version()).Set(1)
	return registry, nil
}

// exposition answers a scrape. It does not compress: that takes more memory than
// the server otherwise needs, to save 70 kB.
func exposition(registry *prometheus.Registry, log *slog.Logger) http.Handler {
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelError), DisableCompression: true,
	})
}

// commit is the revision that the binary was built from, as far as it is known.
func commit() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, setting := range info.Settings {
			if setting.Key == "vcs.revision" {
				return setting.Value
			}
		}
	}
	return "unknown"
}

// watchDatabase exposes the pool and the schema's version, and returns the check of
// whether both allow requests to be served. The version is that of the last check.
func watchDatabase(registry *prometheus.Registry, pool *pgxpool.Pool) (check func(context.Context) error, err error) {
	registry.MustRegister(repository.NewPoolCollector(pool))
	factory := promauto.With(registry)
	latest, err := repository.LatestSchema()
	if err != nil {
		return nil, err
	}
	factory.NewGauge(prometheus.GaugeOpts{
		Name: "barong_schema_version_required", Help: "The newest migration that this binary has.",
	}).Set(float64(latest))
	applied := factory.NewGauge(prometheus.GaugeOpts{
		Name: "barong_schema_version", Help: "The newest migration that the database has taken, at the last check.",
	})
	ready := factory.NewGauge(prometheus.GaugeOpts{
		Name: "barong_database_ready", Help: "Whether the database answered and its schema was current, at the last check.",
	})
	return func(ctx context.Context) error {
		version, err := repository.SchemaVersion(ctx, pool)
		switch {
		case err == nil:
			applied.Set(float64(version))
			ready.Set(1)
			return nil
		case errors.Is(err, repository.ErrSchemaOutdated):
			applied.Set(float64(version))
			err = &server.NotReady{
				Reason: server.ReasonSchema, Err: err,
				Message: fmt.Sprintf("the schema is at version %d and this binary needs %d", version, latest),
			}
		case ctx.Err() != nil && pool.Stat().AcquiredConns() == pool.Config().MaxConns:
			err = &server.NotReady{
				Reason: server.ReasonPool, Err: err,
				Message: fmt.Sprintf("all %d connections to the database are in use, and none came back in time", pool.Config().MaxConns),
			}
		}
		ready.Set(0)
		return err
	}, nil
}

// watchPasswords exposes the queue of passwords.
func watchPasswords(registry *prometheus.Registry, passwords *handlers.Passwords) {
	factory := promauto.With(registry)
	workers, places := passwords.Capacity()
	for name, gauge := range map[string]struct {
		help string
		read func() int
	}{
		"hashing":     {"Passwords that are being hashed.", func() int { hashing, _ := passwords.Load(); return hashing }},
		"hashing_max": {"How many can be at a time.", func() int { return workers }},
		"waiting":     {"Passwords that wait to be hashed.", func() int { _, waiting := passwords.Load(); return waiting }},
		"waiting_max": {"How many may; one more is refused.", func() int { return places }},
	} {
		factory.NewGaugeFunc(prometheus.GaugeOpts{Name: "barong_passwords_" + name, Help: gauge.help}, func() float64 { return float64(gauge.read()) })
	}
}

// countOTP returns what counts the outcomes of one-time codes.
func countOTP(registry *prometheus.Registry) func(otp.Outcome) {
	outcomes := promauto.With(registry).NewCounterVec(prometheus.CounterOpts{
		Name: "barong_otp_checks_total", Help: "One-time codes that were given, by outcome.",
	}, []string{"outcome"})
	for _, outcome := range otp.Outcomes {
		outcomes.WithLabelValues(string(outcome))
	}
	return func(outcome otp.Outcome) { outcomes.WithLabelValues(string(outcome)).Inc() }
}
