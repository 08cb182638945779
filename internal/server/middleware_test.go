package server

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"barong/generated"
)

func TestTraceIsTakenFromASoundTraceparentOnly(t *testing.T) {
	t.Parallel()
	const id = "4bf92f3577b34da6a3ce929d0e0e4736"
	for header, want := range map[string]string{
		"00-" + id + "-00f067aa0ba902b7-01":                        id,
		"01-" + id + "-00f067aa0ba902b7-01-more":                   id, // a later version may append fields
		"ff-" + id + "-00f067aa0ba902b7-01":                        "",
		"00-" + id:                                                 "",
		"00-00000000000000000000000000000000-00f067aa0ba902b7-01":  "",
		"00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01":  "",
		"00-4bf92f3577b34da6a3ce929d0e0e47\"6-00f067aa0ba902b7-01": "",
		"": "",
		"00-" + id + "_00f067aa0ba902b7-01                                  ": "",
	} {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.Header.Set("Traceparent", header)
		if got := traceOf(r); got != want {
			t.Errorf("%q gives %q", header, got)
		}
	}
}

func TestTextsFromOutsideAreMadeFitForTheLog(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"the address ada@example.com, is taken":           "the address …@example.com, is taken",
		`near "ada+x@b"`:                                  `near "…@b"`,
		"Bearer eyJhbGciOiJSUzI1NiJ9.eyJpYXQiOjF9.c2ln x": "Bearer [token] x",
		"hash $2a$12$R9h/cIPz0gi.URNNX3kh2OPST9":          "hash [digest]",
		"the scope read_users must be signed by a.b.c":    "the scope read_users must be signed by a.b.c",
	} {
		if got := redacted(text); got != want {
			t.Errorf("%s\ngives %s\nwant  %s", text, got, want)
		}
	}
}

// BenchmarkRequestMiddleware measures the record of a request: its ID, its log line, the
// metrics.
func BenchmarkRequestMiddleware(b *testing.B) {
	document, err := generated.GetSpec()
	if err != nil {
		b.Fatal(err)
	}
	answer := func(w http.ResponseWriter, r *http.Request) {
		info := requestInfoOf(r.Context())
		info.operation, info.signers = "getUser", []string{"backend"}
		w.WriteHeader(http.StatusCreated)
	}
	run := func(name string, handler http.Handler) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			r := httptest.NewRequest(http.MethodPost, "/api/v2/management/users/get", nil)
			for b.Loop() {
				handler.ServeHTTP(httptest.NewRecorder(), r)
			}
		})
	}
	measured := newMetrics(document, prometheus.NewRegistry())
	for name, log := range map[string]slog.Handler{
		"silent": slog.DiscardHandler, "json": slog.NewJSONHandler(io.Discard, nil), "text": slog.NewTextHandler(io.Discard, nil),
	} {
		a := &requestMiddleware{log: slog.New(log), metrics: measured}
		run(name, a.middleware(http.HandlerFunc(answer)))
	}
	b.Run("metrics alone", func(b *testing.B) {
		for b.Loop() {
			measured.inFlight.Inc()
			measured.inFlight.Dec()
			measured.answered("getUser", http.StatusCreated, "", time.Millisecond)
		}
	})
}
