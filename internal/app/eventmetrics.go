package app

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"barong/internal/eventapi"
	"barong/internal/rabbitmq"
	"barong/repository"
)

// eventMetrics are the metrics of the delivery of events. A sink is a receiver.
type eventMetrics struct {
	lag, lagSeconds *prometheus.GaugeVec
	published       *prometheus.CounterVec
	unroutable      *prometheus.CounterVec
	gone            *prometheus.CounterVec
}

func newEventMetrics(registry *prometheus.Registry) *eventMetrics {
	factory := promauto.With(registry)
	m := &eventMetrics{
		lag: factory.NewGaugeVec(prometheus.GaugeOpts{
			Name: "barong_events_lag", Help: "Rows of the journal that a receiver of events has not got, at the last look.",
		}, []string{"sink"}),
		lagSeconds: factory.NewGaugeVec(prometheus.GaugeOpts{
			Name: "barong_events_lag_seconds", Help: "Age of the oldest row of the journal that a receiver of events has not got, at the last look.",
		}, []string{"sink"}),
		published: factory.NewCounterVec(prometheus.CounterOpts{
			Name: "barong_events_published_total", Help: "Messages that a receiver has confirmed, with repetitions.",
		}, []string{"sink", "type"}),
		unroutable: factory.NewCounterVec(prometheus.CounterOpts{
			Name: "barong_events_unroutable_total", Help: "Messages that no queue of the broker was bound to.",
		}, []string{"type"}),
		gone: factory.NewCounterVec(prometheus.CounterOpts{
			Name: "barong_events_gone_total", Help: "Messages that were not sent because what they are about is gone.",
		}, []string{"sink"}),
	}
	for _, name := range eventapi.Names {
		m.published.WithLabelValues(rabbitmq.Sink, name)
		m.unroutable.WithLabelValues(name)
	}
	m.gone.WithLabelValues(rabbitmq.Sink)
	return m
}

// amqp returns the functions that count the messages to the broker.
func (m *eventMetrics) amqp() rabbitmq.Counts {
	return rabbitmq.Counts{
		Published:  func(name string) { m.published.WithLabelValues(rabbitmq.Sink, name).Inc() },
		Unroutable: func(name string) { m.unroutable.WithLabelValues(name).Inc() },
		Gone:       func(string) { m.gone.WithLabelValues(rabbitmq.Sink).Inc() },
	}
}

// lagInterval is the interval at which the cursors are read.
const lagInterval = 10 * time.Second

// watch reads the cursors until ctx ends.
func (m *eventMetrics) watch(ctx context.Context, repo *repository.Repository) {
	ticker := time.NewTicker(lagInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			m.read(ctx, repo)
		case <-ctx.Done():
			return
		}
	}
}

// read sets the lag of each receiver. Where the database does not answer, the last one stays.
func (m *eventMetrics) read(ctx context.Context, repo *repository.Repository) {
	found, err := repo.EventCursors(ctx)
	if err != nil {
		return
	}
	for _, c := range found {
		m.lag.WithLabelValues(c.Sink).Set(float64(max(c.Size-c.Seq, 0)))
		m.lagSeconds.WithLabelValues(c.Sink).Set(c.Waiting)
	}
}
