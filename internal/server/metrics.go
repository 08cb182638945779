package server

import (
	"net/http"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"barong/handlers"
	"barong/internal/spec"
)

// Values of the label operation for requests that are not operations of the specification.
// They keep the number of values fixed.
const (
	operationDocument = "document" // download by signed URL
	operationOther    = "other"    // everything else, including unknown paths
)

// classes are the values of the label status, indexed by the first digit of the status.
var classes = [...]string{"none", "1xx", "2xx", "3xx", "4xx", "5xx"}

// metrics counts requests. The observers of common label values are looked up once, at
// construction.
type metrics struct {
	inFlight       prometheus.Gauge
	durations      *prometheus.HistogramVec
	known          map[string]*[len(classes)]prometheus.Observer // by operation
	errorResponses map[string]prometheus.Counter                 // by reason
}

// newMetrics creates the metrics and registers them, unless registry is nil.
func newMetrics(document *openapi3.T, registry prometheus.Registerer) *metrics {
	factory := promauto.With(registry)
	m := &metrics{
		inFlight: factory.NewGauge(prometheus.GaugeOpts{
			Name: "barong_requests_in_flight", Help: "Requests that are being answered.",
		}),
		durations: factory.NewHistogramVec(prometheus.HistogramOpts{
			Name: "barong_request_duration_seconds", Help: "Time from the end of a request's headers to the end of its answer, by operationId and class of the status.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 5, 30},
		}, []string{"operation", "status"}),
		known:          map[string]*[len(classes)]prometheus.Observer{},
		errorResponses: map[string]prometheus.Counter{},
	}
	for operation := range spec.Operations(document) {
		m.prepare(operation.OperationID)
	}
	m.prepare(operationDocument)
	m.prepare(operationOther)
	responses := factory.NewCounterVec(prometheus.CounterOpts{
		Name: "barong_refusals_total", Help: "Answers that were errors, by reason.",
	}, []string{"reason"})
	for _, reason := range handlers.Reasons() {
		m.errorResponses[reason] = responses.WithLabelValues(reason)
	}
	return m
}

// prepare creates the common series of an operation at zero. A series that appears only with
// its first error has no rate() for that error.
func (m *metrics) prepare(operation string) {
	m.known[operation] = &[len(classes)]prometheus.Observer{}
	for _, class := range []int{2, 4, 5} {
		m.known[operation][class] = m.durations.WithLabelValues(operation, classes[class])
	}
}

// answered counts one request. reason is empty if the response is not an error.
func (m *metrics) answered(operation string, status int, reason string, took time.Duration) {
	known, ok := m.known[operation]
	if !ok {
		operation = operationOther
		known = m.known[operation]
	}
	class := status / 100
	if class >= len(classes) {
		class = 0
	}
	observer := known[class]
	if observer == nil {
		observer = m.durations.WithLabelValues(operation, classes[class])
	}
	observer.Observe(took.Seconds())
	if counter, ok := m.errorResponses[reason]; ok {
		counter.Inc()
	}
}

// statusOf returns the status that net/http sends for a handler: 200 if the handler wrote
// nothing, unless it panicked to abort the connection.
func statusOf(written int, hungUp bool) int {
	if written == 0 && !hungUp {
		return http.StatusOK
	}
	return written
}
