package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/exaring/otelpgx"
	"github.com/go-logr/logr"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/net/http/httpguts"

	"barong/internal/config"
	"barong/internal/keys"
	"barong/internal/server"
)

// tracing exports spans. It does nothing unless OTEL_EXPORTER_OTLP_ENDPOINT is set.
type tracing struct {
	provider *sdktrace.TracerProvider // nil: tracing is disabled
}

// flushTimeout bounds the export of the last spans on shutdown.
const flushTimeout = 3 * time.Second

// openTracing starts the export of spans by OTLP over HTTP. The SDK reads the other variables
// that OpenTelemetry defines (OTEL_SERVICE_NAME, OTEL_TRACES_SAMPLER,
// OTEL_EXPORTER_OTLP_HEADERS and so on).
func openTracing(ctx context.Context, c config.Config, log *slog.Logger) (*tracing, error) {
	if c.OTLPEndpoint == "" || strings.EqualFold(os.Getenv("OTEL_SDK_DISABLED"), "true") {
		return &tracing{}, nil
	}
	for _, name := range headerSettings {
		if !areHeaders(os.Getenv(name)) {
			return nil, fmt.Errorf("%s must be a list as name=value,name=value, with values escaped as in URLs", name)
		}
	}
	// The SDK's logger reports the values of settings that it cannot parse, which may be
	// secrets.
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.Warn("spans could not be sent", "error", err) }))
	otel.SetLogger(logr.FromSlogHandler(messagesOnly{log.Handler()}))
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_ENDPOINT: %w", keys.Redact(err, c.OTLPEndpoint))
	}
	document, err := server.Specification()
	if err != nil {
		return nil, err
	}
	about, err := resource.New(ctx,
		resource.WithAttributes(attribute.String("service.name", "barong"), attribute.String("service.version", document.Info.Version)),
		resource.WithTelemetrySDK(),
		resource.WithFromEnv(), // last, so that the operator's attributes take precedence
	)
	if err != nil {
		return nil, errors.Join(errors.New("OTEL_RESOURCE_ATTRIBUTES must be a list as name=value,name=value"), exporter.Shutdown(ctx))
	}
	log.Info("requests are traced")
	return &tracing{sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(about))}, nil
}

// headerSettings hold the headers of requests to the collector, such as its tokens.
var headerSettings = []string{"OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS"}

// areHeaders reports whether the SDK can parse a list of headers.
func areHeaders(list string) bool {
	if strings.TrimSpace(list) == "" {
		return true
	}
	for each := range strings.SplitSeq(list, ",") {
		name, value, found := strings.Cut(each, "=")
		_, err := url.PathUnescape(value)
		if !found || !httpguts.ValidHeaderFieldName(strings.TrimSpace(name)) || err != nil {
			return false
		}
	}
	return true
}

// messagesOnly writes log records without their attributes.
type messagesOnly struct{ slog.Handler }

func (h messagesOnly) Handle(ctx context.Context, line slog.Record) error {
	return h.Handler.Handle(ctx, slog.NewRecord(line.Time, line.Level, "OpenTelemetry: "+line.Message, line.PC))
}

func (h messagesOnly) WithAttrs([]slog.Attr) slog.Handler { return h }

func (h messagesOnly) WithGroup(string) slog.Handler { return h }

// requests returns the tracer of requests, or nil if tracing is disabled.
func (t *tracing) requests() trace.Tracer {
	if t.provider == nil {
		return nil
	}
	return t.provider.Tracer("barong")
}

// statements traces each SQL statement. A span has the statement's text without its arguments,
// which are user data.
func (t *tracing) statements(pool *pgxpool.Config) {
	if t.provider != nil {
		pool.ConnConfig.Tracer = otelpgx.NewTracer(otelpgx.WithTracerProvider(t.provider))
	}
}

// close exports the remaining spans.
func (t *tracing) close(log *slog.Logger) {
	if t.provider == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), flushTimeout)
	defer cancel()
	if err := t.provider.Shutdown(ctx); err != nil {
		log.Warn("the last spans could not be sent", "error", err)
	}
}
