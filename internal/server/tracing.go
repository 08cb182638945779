package server

import (
	"context"
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// traceContext reads traceparent and tracestate (W3C Trace Context).
var traceContext propagation.TraceContext

// startSpan begins the span of a request, in the caller's trace where it names one.
// Its attributes are those of OpenTelemetry's conventions for HTTP servers; the
// path is not among them, since callers may put anything into one.
func startSpan(tracer trace.Tracer, r *http.Request) (context.Context, trace.Span) {
	ctx := traceContext.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
	return tracer.Start(ctx, methodOf(r), trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(
		attribute.String("http.request.method", methodOf(r)),
		attribute.String("network.protocol.version", strings.TrimPrefix(r.Proto, "HTTP/")),
	))
}

// endSpan ends it with what was learnt meanwhile.
func endSpan(span trace.Span, r *http.Request, info *requestInfo, status int) {
	if route := chi.RouteContext(r.Context()).RoutePattern(); route != "" {
		span.SetName(methodOf(r) + " " + route)
		span.SetAttributes(attribute.String("http.route", route))
	}
	span.SetAttributes(
		attribute.Int("http.response.status_code", status),
		attribute.String("barong.operation", info.operation),
		attribute.String("barong.request_id", info.requestID),
		attribute.StringSlice("barong.signers", info.signers),
	)
	if info.errorResponse.Reason != "" {
		span.SetAttributes(attribute.String("error.type", info.errorResponse.Reason))
	}
	if status >= http.StatusInternalServerError {
		span.SetStatus(codes.Error, info.errorResponse.Reason)
	}
	span.End()
}

// methodOf is the verb, or _OTHER for one that HTTP does not define: a name must
// not be the caller's to choose.
func methodOf(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodPatch,
		http.MethodOptions, http.MethodConnect, http.MethodTrace:
		return r.Method
	default:
		return "_OTHER"
	}
}

// traceOf is the trace id that a request names; empty where it names no valid one.
func traceOf(r *http.Request) string {
	caller := trace.SpanContextFromContext(traceContext.Extract(context.Background(), propagation.HeaderCarrier(r.Header)))
	if !caller.HasTraceID() {
		return ""
	}
	return caller.TraceID().String()
}
