package webhooks

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// metrics count by the names of endpoints, never by URLs.
type metrics struct {
	attempts *prometheus.CounterVec
	disabled *prometheus.GaugeVec
	dead     *prometheus.GaugeVec
}

func newMetrics(registry prometheus.Registerer) *metrics {
	factory := promauto.With(registry)
	return &metrics{
		attempts: factory.NewCounterVec(prometheus.CounterOpts{
			Name: "barong_webhook_attempts_total", Help: "Attempts to deliver an event to a webhook endpoint, by the class of their result.",
		}, []string{"endpoint", "class"}),
		disabled: factory.NewGaugeVec(prometheus.GaugeOpts{
			Name: "barong_webhook_disabled", Help: "1 while a webhook endpoint is disabled because it is gone or has failed for days, else 0.",
		}, []string{"endpoint"}),
		dead: factory.NewGaugeVec(prometheus.GaugeOpts{
			Name: "barong_events_dead", Help: "Events that no attempt delivered, and that nobody has repeated or dropped.",
		}, []string{"endpoint"}),
	}
}

// open shows an endpoint before its first attempt.
func (m *metrics) open(endpoint string) {
	for _, class := range classes {
		m.attempts.WithLabelValues(endpoint, class)
	}
	m.disabled.WithLabelValues(endpoint)
	m.dead.WithLabelValues(endpoint)
}
