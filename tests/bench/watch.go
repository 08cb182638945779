package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// watch looks at a server from outside: at what it publishes, at its process, and
// at its database.
type watch struct {
	server     *served
	connection *pgx.Conn
}

func newWatch(ctx context.Context, server *served, database string) (*watch, error) {
	connection, err := pgx.Connect(ctx, database)
	return &watch{server, connection}, err
}

func (w *watch) close() { _ = w.connection.Close(context.Background()) }

// sample is what a server holds at one moment.
type sample struct {
	at       time.Duration // since the load began
	held     [len(held)]float64
	size     float64 // bytes of the database
	pool     float64 // connections that the server may have
	internal float64 // requests that were answered 500, since the start
}

// held is what is sampled, and by how much it may grow from the first quarter to
// the last: by a part of it, and some more.
var held = [...]struct {
	name  string
	part  float64
	more  float64
	scale float64
}{
	residentMemory: {"RSS MB", 0.10, 16, 1 << 20},
	heapMemory:     {"heap MB", 0.25, 16, 1 << 20},
	goroutines:     {"goroutines", 0.10, 20, 1},
	threads:        {"threads", 0.10, 8, 1},
	files:          {"files", 0.10, 20, 1},
	pooledOpen:     {name: "pool", scale: 1}, // as many as it may have
	backendsOpen:   {name: "backends", scale: 1},
}

const (
	residentMemory = iota
	heapMemory
	goroutines
	threads
	files
	pooledOpen
	backendsOpen
)

func (w *watch) sample(ctx context.Context) (s sample, err error) {
	metrics, err := w.metrics(ctx)
	if err != nil {
		return s, err
	}
	resident, _ := residentOf(w.server.pid())
	open, running := openOf(w.server.pid())
	s.held = [len(held)]float64{
		residentMemory: float64(resident), files: float64(open), threads: float64(running),
		heapMemory: sumOf(metrics["go_memstats_heap_inuse_bytes"]), goroutines: sumOf(metrics["go_goroutines"]),
		pooledOpen: sumOf(metrics["barong_database_connections_open"]),
	}
	for _, metric := range metrics["barong_refusals_total"].GetMetric() {
		if metric.GetLabel()[0].GetValue() == "internal" {
			s.internal += metric.GetCounter().GetValue()
		}
	}
	s.pool = sumOf(metrics["barong_database_connections_max"])
	err = w.connection.QueryRow(ctx, `SELECT count(*)::float8, pg_database_size(current_database())::float8 FROM pg_stat_activity
		WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()`).Scan(&s.held[backendsOpen], &s.size)
	return s, err
}

func (w *watch) metrics(ctx context.Context) (map[string]*dto.MetricFamily, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+w.server.admin+"/metrics", http.NoBody)
	if err != nil {
		return nil, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	return parser.TextToMetricFamilies(answer.Body)
}

func sumOf(family *dto.MetricFamily) (sum float64) {
	for _, metric := range family.GetMetric() {
		sum += metric.GetGauge().GetValue()
	}
	return sum
}

func printSampleHeader() {
	fmt.Printf("%8s %8s %8s %8s %9s %7s %7s", "time", "per s", "p50 ms", "p99 ms", "signup ms", "hung up", "failed")
	for _, h := range held {
		fmt.Printf(" %10s", h.name)
	}
	fmt.Printf(" %10s\n", "DB MB")
}

func (t *tally) print(took time.Duration, s sample) {
	fmt.Printf("%8s %8.0f %8.1f %8.1f %9.0f %7d %7d", s.at.Round(time.Second), float64(t.requests.sum+t.signUps.sum)/took.Seconds(),
		milliseconds(t.requests.percentile(0.5)), milliseconds(t.requests.percentile(0.99)), milliseconds(t.signUps.percentile(0.99)), t.abandoned, t.failures)
	for i, h := range held {
		fmt.Printf(" %10.0f", s.held[i]/h.scale)
	}
	fmt.Printf(" %10.0f\n", s.size/(1<<20))
}

func (t *tally) printKinds() {
	fmt.Printf("%-27s %9s %8s %8s %8s\n", "operation", "answers", "p50 ms", "p99 ms", "p99.9 ms")
	for _, kind := range slices.Sorted(maps.Keys(t.kinds)) {
		l := t.kinds[kind]
		fmt.Printf("%-27s %9d %8.1f %8.1f %8.1f\n", kind, l.sum, milliseconds(l.percentile(0.5)), milliseconds(l.percentile(0.99)), milliseconds(l.percentile(0.999)))
	}
}

// verdict compares the first quarter, after a tenth to warm up, with the last, and
// the server without load before with the one after. An error says what grew.
func verdict(total tally, samples []sample, before, after sample) error {
	samples = samples[len(samples)/10:]
	quarter := max(1, len(samples)/4)
	first, last := samples[:quarter], samples[len(samples)-quarter:]
	hours := (last[len(last)/2].at - first[len(first)/2].at).Hours()
	fmt.Printf("\n%d requests, %d of them sign-ups; %d callers hung up; p99 %.1f ms, of sign-ups %.0f ms; %d failed\n", total.requests.sum+total.signUps.sum,
		total.signUps.sum, total.abandoned, milliseconds(total.requests.percentile(0.99)), milliseconds(total.signUps.percentile(0.99)), total.failures)
	total.printKinds()
	fmt.Printf("%-12s %14s %13s %10s %8s | %8s %8s\n", "median of", "first quarter", "last quarter", "per hour", "limit", "before", "after")
	var wrong []error
	for i, h := range held {
		from, to := median(first, i)/h.scale, median(last, i)/h.scale
		limit := from*(1+h.part) + h.more
		switch i { // that the pool is filled is no growth, and each of its connections is a file
		case pooledOpen, backendsOpen:
			limit = before.pool
		case files:
			limit += before.pool
		}
		fmt.Printf("%-12s %14.1f %13.1f %+10.1f %8.1f | %8.1f %8.1f\n", h.name, from, to, (to-from)/hours, limit, before.held[i]/h.scale, after.held[i]/h.scale)
		if to > limit {
			wrong = append(wrong, fmt.Errorf("%s grew from %.1f to %.1f", h.name, from, to))
		}
		// Without load, whatever a request held has to be given back. Memory is given
		// back at leisure, and connections are kept.
		left := after.held[i] - before.held[i]
		if i == files {
			left -= after.held[pooledOpen] - before.held[pooledOpen]
		}
		if (i == goroutines || i == files) && left > h.more {
			wrong = append(wrong, fmt.Errorf("%.0f %s more were left when the load was over", left, h.name))
		}
	}
	if p99 := total.requests.percentile(0.99); p99 > quickEnough {
		wrong = append(wrong, fmt.Errorf("99 of 100 requests took up to %s, and not %s", p99, quickEnough))
	}
	if total.failures > 0 {
		wrong = append(wrong, fmt.Errorf("%d requests failed; the first: %s", total.failures, total.failure))
	}
	if after.internal > 0 {
		wrong = append(wrong, fmt.Errorf("the server counts %.0f faults of its own", after.internal))
	}
	if len(wrong) > 0 {
		return fmt.Errorf("it did not hold: %w", errors.Join(wrong...))
	}
	fmt.Println("it holds: nothing grew, nothing failed")
	return nil
}

func median(samples []sample, i int) float64 {
	values := make([]float64, len(samples))
	for n, s := range samples {
		values[n] = s.held[i]
	}
	slices.Sort(values)
	return values[len(values)/2]
}
