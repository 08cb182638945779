package repository

import (
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
)

// poolFigure is one metric of the pool's statistics.
type poolFigure struct {
	description *prometheus.Desc
	kind        prometheus.ValueType
	read        func(*pgxpool.Stat) float64
}

type poolCollector struct {
	pool    *pgxpool.Pool
	figures []poolFigure
}

// NewPoolCollector exports the statistics of the pool as metrics.
func NewPoolCollector(pool *pgxpool.Pool) prometheus.Collector {
	c := &poolCollector{pool: pool}
	add := func(kind prometheus.ValueType, name, help string, read func(*pgxpool.Stat) float64) {
		c.figures = append(c.figures, poolFigure{prometheus.NewDesc("barong_database_"+name, help, nil, nil), kind, read})
	}
	gauge, counter := prometheus.GaugeValue, prometheus.CounterValue
	add(gauge, "connections_max", "The most connections that the pool opens.", func(s *pgxpool.Stat) float64 { return float64(s.MaxConns()) })
	add(gauge, "connections_open", "Connections that are open or being opened.", func(s *pgxpool.Stat) float64 { return float64(s.TotalConns()) })
	add(gauge, "connections_busy", "Connections that a request holds.", func(s *pgxpool.Stat) float64 { return float64(s.AcquiredConns()) })
	add(gauge, "connections_idle", "Connections that nobody holds.", func(s *pgxpool.Stat) float64 { return float64(s.IdleConns()) })
	add(counter, "connections_opened_total", "Connections that were opened.", func(s *pgxpool.Stat) float64 { return float64(s.NewConnsCount()) })
	add(counter, "acquires_total", "Times that somebody got a connection.", func(s *pgxpool.Stat) float64 { return float64(s.AcquireCount()) })
	add(counter, "acquires_waited_total", "Of these, times that all connections were busy or none was open.", func(s *pgxpool.Stat) float64 { return float64(s.EmptyAcquireCount()) })
	add(counter, "acquires_canceled_total", "Times that somebody gave up waiting for a connection.", func(s *pgxpool.Stat) float64 { return float64(s.CanceledAcquireCount()) })
	add(counter, "acquire_wait_seconds_total", "Time spent waiting for a connection while none was free.", func(s *pgxpool.Stat) float64 { return s.EmptyAcquireWaitTime().Seconds() })
	return c
}

// Describe implements prometheus.Collector.
func (c *poolCollector) Describe(descriptions chan<- *prometheus.Desc) {
	for _, figure := range c.figures {
		descriptions <- figure.description
	}
}

// Collect implements prometheus.Collector.
func (c *poolCollector) Collect(metrics chan<- prometheus.Metric) {
	statistics := c.pool.Stat()
	for _, figure := range c.figures {
		metrics <- prometheus.MustNewConstMetric(figure.description, figure.kind, figure.read(statistics))
	}
}
