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

// startSpan starts the span of a request, as a child of the client's span if the request names
// one. The attributes follow OpenTelemetry's conventions for HTTP servers, without the path,
// into which a client can put anything.
func startSpan(tracer trace.Tracer, r *http.Request) (context.Context, trace.Span) {
	ctx := traceContext.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
	return tracer.Start(ctx, methodOf(r), trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(
		attribute.String("http.request.method", methodOf(r)),
		attribute.String("network.protocol.version", strings.TrimPrefix(r.Proto, "HTTP/")),
	))
}

// endSpan ends the span, with the attributes that are known only after the response.
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

// methodOf returns the HTTP method, or _OTHER for a non-standard one: a client must not choose
// the names of spans and the values of logs.
func methodOf(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodPatch,
		http.MethodOptions, http.MethodConnect, http.MethodTrace:
		return r.Method
	default:
		return "_OTHER"
	}
}

// traceOf returns the trace ID that a request names, or "" if it names no valid one.
func traceOf(r *http.Request) string {
	if r.Header.Get("Traceparent") == "" {
		return "" // the common case: the propagator would allocate to find out
	}
	caller := trace.SpanContextFromContext(traceContext.Extract(context.Background(), propagation.HeaderCarrier(r.Header)))
	if !caller.HasTraceID() {
		return ""
	}
	return caller.TraceID().String()
}
