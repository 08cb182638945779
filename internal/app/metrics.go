package app

import (
	"log/slog"
	"net/http"
	"runtime"
	"runtime/debug"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"barong/handlers"
	"barong/internal/otp"
	"barong/internal/server"
	"barong/internal/version"
)

// newRegistry returns a registry with the metrics of the process: build information, Go
// runtime, and operating system.
func newRegistry() (*prometheus.Registry, error) {
	document, err := server.Specification()
	if err != nil {
		return nil, err
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	promauto.With(registry).NewGaugeVec(prometheus.GaugeOpts{
		Name: "barong_build_info", Help: "Always 1; the labels say what was built.",
	}, []string{"version", "api_version", "revision", "go_version"}).WithLabelValues(version.Product(), document.Info.Version, commit(), runtime.Version()).Set(1)
	return registry, nil
}

// exposition serves the metrics without compression: compression needs more memory than the
// rest of the server, and saves 70 kB per scrape.
func exposition(registry *prometheus.Registry, log *slog.Logger) http.Handler {
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelError), DisableCompression: true,
	})
}

// commit returns the revision from which the binary was built, if it is known.
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

// watchPasswords exports the queue of password hashing as metrics.
func watchPasswords(registry *prometheus.Registry, passwords *handlers.Passwords) {
	factory := promauto.With(registry)
	workers, _ := passwords.Capacity()
	for name, gauge := range map[string]struct {
		help string
		read func() int
	}{
		"hashing":     {"Passwords that are being hashed.", func() int { hashing, _ := passwords.Load(); return hashing }},
		"hashing_max": {"How many can be at a time.", func() int { return workers }},
		"waiting":     {"Passwords that wait to be hashed.", func() int { _, waiting := passwords.Load(); return waiting }},
		"waiting_max": {"How many may, as fast as they are hashed now; one more is refused.", func() int { _, places := passwords.Capacity(); return places }},
	} {
		factory.NewGaugeFunc(prometheus.GaugeOpts{Name: "barong_passwords_" + name, Help: gauge.help}, func() float64 { return float64(gauge.read()) })
	}
}

// countOTP returns a function that counts the outcomes of one-time codes.
func countOTP(registry *prometheus.Registry) func(otp.Outcome) {
	outcomes := promauto.With(registry).NewCounterVec(prometheus.CounterOpts{
		Name: "barong_otp_checks_total", Help: "One-time codes that were given, by outcome.",
	}, []string{"outcome"})
	for _, outcome := range otp.Outcomes {
		outcomes.WithLabelValues(string(outcome))
	}
	return func(outcome otp.Outcome) { outcomes.WithLabelValues(string(outcome)).Inc() }
}
