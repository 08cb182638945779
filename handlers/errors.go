package handlers

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"barong/generated"
	"barong/internal/problem"
)

// statuses maps a kind of error to its HTTP status and its name. The name is the last part of the
// type of a problem.
var statuses = map[problem.Kind]struct {
	status int
	name   string
}{
	problem.BadRequest:        {http.StatusBadRequest, "bad_request"},
	problem.Unauthenticated:   {http.StatusUnauthorized, "unauthenticated"},
	problem.NotFound:          {http.StatusNotFound, "not_found"},
	problem.MethodNotAllowed:  {http.StatusMethodNotAllowed, "method_not_allowed"},
	problem.TooLarge:          {http.StatusRequestEntityTooLarge, "too_large"},
	problem.UnsupportedMedia:  {http.StatusUnsupportedMediaType, "unsupported_media_type"},
	problem.InvalidParameters: {http.StatusUnprocessableEntity, "invalid_parameters"},
	problem.InvalidRecord:     {http.StatusUnprocessableEntity, "invalid_record"},
	problem.Rejected:          {http.StatusUnprocessableEntity, "rejected"},
	problem.Conflict:          {http.StatusConflict, "conflict"},
	problem.TooManyRequests:   {http.StatusTooManyRequests, "too_many_requests"},
	problem.Unavailable:       {http.StatusServiceUnavailable, "unavailable"},
}

// errInternal is the response to any error that is not a problem.Error.
var errInternal = &problem.Error{Detail: "Internal server error"}

// errClientClosed is the error of a request whose client disconnected or that was cancelled by a
// shutdown. No client reads it.
var errClientClosed = &problem.Error{Kind: problem.Unavailable, Detail: "The request was abandoned", RetryAfter: time.Second}

// errTimeout is the error of a request whose deadline expired without a more specific error.
var errTimeout = &problem.Error{
	Kind: problem.Unavailable, Detail: "The request took too long, try again later", Reason: problem.TimedOut, RetryAfter: 5 * time.Second,
}

// Errors writes errors. OnError, if set, is called with each error before it is written.
type Errors struct {
	Log     *slog.Logger
	OnError func(context.Context, ErrorResponse)
}

// Fail is the only function that writes an error: as {"error": …}, or as problem details (RFC 9457)
// where the caller accepts them, which name the request by the X-Request-Id of the response. An
// error that is not a problem.Error is an internal error: the response does not contain its text,
// only OnError gets it.
func (e Errors) Fail(w http.ResponseWriter, r *http.Request, err error) {
	failure, status, name := classify(err)
	if e.OnError != nil {
		e.OnError(r.Context(), newErrorResponse(err, failure, status, name))
	}
	header := w.Header()
	if status == http.StatusUnauthorized {
		header.Set("WWW-Authenticate", "Bearer")
	}
	if failure.RetryAfter > 0 {
		header.Set("Retry-After", strconv.Itoa(int(math.Ceil(failure.RetryAfter.Seconds()))))
	}
	var body any
	if acceptsProblem(r) {
		header.Set("Content-Type", "application/problem+json")
		body = problemDetails(failure, status, name, header.Get("X-Request-Id"))
	} else {
		header.Set("Content-Type", "application/json")
		body = plain(failure)
	}
	var text bytes.Buffer
	if err := json.NewEncoder(&text).Encode(body); err != nil {
		panic(err) // strings and numbers always have an encoding
	}
	header.Set("Content-Length", strconv.Itoa(text.Len()))
	w.WriteHeader(status)
	if _, err := text.WriteTo(w); err != nil {
		e.Log.DebugContext(r.Context(), "an error could not be sent", "error", err)
	}
}

func classify(err error) (failure *problem.Error, status int, name string) {
	if isClientDisconnect(err) {
		return errClientClosed, statuses[errClientClosed.Kind].status, statuses[errClientClosed.Kind].name
	}
	if errors.As(err, &failure) {
		if known, ok := statuses[failure.Kind]; ok {
			return failure, known.status, known.name
		}
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return errTimeout, statuses[errTimeout.Kind].status, statuses[errTimeout.Kind].name
	}
	return errInternal, http.StatusInternalServerError, "internal"
}

// isClientDisconnect reports whether the client disconnected, before the response or while it was
// written. Failures of other connections are a problem.Error.
func isClientDisconnect(err error) bool {
	var failure *problem.Error
	var opErr *net.OpError
	return errors.Is(err, context.Canceled) ||
		!errors.As(err, &failure) && errors.As(err, &opErr) && opErr.Op == "write"
}

func plain(failure *problem.Error) map[string]any {
	switch {
	case failure.WithList:
		return map[string]any{"error": failure.Message(), "errors": failure.Messages()}
	case failure.Kind == problem.InvalidRecord:
		return map[string]any{"error": failure.Messages()}
	}
	return map[string]any{"error": failure.Message()}
}

func problemDetails(failure *problem.Error, status int, name, requestID string) generated.Problem {
	return generated.Problem{
		Type:   "urn:barong:error:" + name,
		Title:  http.StatusText(status),
		Status: status,
		Detail: failure.Message(),
		Errors: viewAll(failure.Violations, func(v problem.Violation) generated.ProblemError {
			pointer := ""
			if v.Field != "" {
				pointer = "/" + v.Field
			}
			return generated.ProblemError{Pointer: pointer, Code: v.Code, Detail: v.Message}
		}),
		RequestID: requestID,
	}
}

// acceptsProblem reports whether the caller accepts the media type of problem details.
func acceptsProblem(r *http.Request) bool {
	for _, line := range r.Header.Values("Accept") {
		for option := range strings.SplitSeq(line, ",") {
			mediaType, parameters, _ := strings.Cut(option, ";")
			if strings.EqualFold(strings.TrimSpace(mediaType), "application/problem+json") && strings.ReplaceAll(parameters, " ", "") != "q=0" {
				return true
			}
		}
	}
	return false
}
