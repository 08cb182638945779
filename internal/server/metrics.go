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

// What the label operation says of requests that are none of the specification's
// operations, so that its values stay a known few.
const (
	operationDocument = "document" // the signed URL of a document
	operationOther    = "other"    // everything else, unknown paths among it
)

// classes are the values of the label status, by the first digit.
var classes = [...]string{"none", "1xx", "2xx", "3xx", "4xx", "5xx"}

// metrics counts requests. The label values of what happens often are looked up
// once, when it is made.
type metrics struct {
	inFlight       prometheus.Gauge
	durations      *prometheus.HistogramVec
	known          map[string]*[len(classes)]prometheus.Observer // by operation
	errorResponses map[string]prometheus.Counter                 // by reason
}

// newMetrics registers its metrics, unless registry is nil.
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

// prepare makes the series of an operation that are to be there from the start, at
// zero: the rate of one that appears with its first error would miss that.
func (m *metrics) prepare(operation string) {
	m.known[operation] = &[len(classes)]prometheus.Observer{}
	for _, class := range []int{2, 4, 5} {
		m.known[operation][class] = m.durations.WithLabelValues(operation, classes[class])
	}
}

// answered counts one request. reason is empty where there was no error.
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

// statusOf is the status that a handler has caused: one that has written nothing
// causes net/http to write 200, unless it panicked to hang up.
func statusOf(written int, hungUp bool) int {
	if written == 0 && !hungUp {
		return http.StatusOK
	}
	return written
}
