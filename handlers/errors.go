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

	"github.com/go-chi/chi/v5/middleware"

	"barong/generated"
	"barong/internal/identity"
)

// statuses is the one table from what went wrong to an HTTP status; the name of
// a kind is the last part of a problem's type.
var statuses = map[identity.Kind]struct {
	status int
	name   string
}{
	identity.BadRequest:        {http.StatusBadRequest, "bad_request"},
	identity.Unauthenticated:   {http.StatusUnauthorized, "unauthenticated"},
	identity.NotFound:          {http.StatusNotFound, "not_found"},
	identity.MethodNotAllowed:  {http.StatusMethodNotAllowed, "method_not_allowed"},
	identity.TooLarge:          {http.StatusRequestEntityTooLarge, "too_large"},
	identity.UnsupportedMedia:  {http.StatusUnsupportedMediaType, "unsupported_media_type"},
	identity.InvalidParameters: {http.StatusUnprocessableEntity, "invalid_parameters"},
	identity.InvalidRecord:     {http.StatusUnprocessableEntity, "invalid_record"},
	identity.Rejected:          {http.StatusUnprocessableEntity, "rejected"},
	identity.TooManyRequests:   {http.StatusTooManyRequests, "too_many_requests"},
	identity.Unavailable:       {http.StatusServiceUnavailable, "unavailable"},
}

// fault is what a caller is told of any error that is not an identity.Error.
var fault = &identity.Error{Message: "Internal server error"}

// gone is what nobody reads: the caller hung up, or the server is told to stop.
var gone = &identity.Error{Kind: identity.Unavailable, Message: "The request was abandoned", RetryAfter: time.Second}

// late is a deadline that ended while nobody said what the request waited for.
var late = &identity.Error{
	Kind: identity.Unavailable, Message: "The request took too long, try again later", Reason: identity.TimedOut, RetryAfter: 5 * time.Second,
}

// Errors writes errors. Refused, where it is set, learns of each before it is
// written.
type Errors struct {
	Log     *slog.Logger
	Refused func(context.Context, Refusal)
}

// Fail is the only function that writes an error: as {"error": …}, or as problem
// details (RFC 9457) where the caller accepts them. What is not an
// identity.Error is a fault of ours: the caller learns no more than that, its text
// is for Refused.
func (e Errors) Fail(w http.ResponseWriter, r *http.Request, err error) {
	failure, status, name := classify(err)
	if e.Refused != nil {
		e.Refused(r.Context(), newRefusal(err, failure, status, name))
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
		body = problem(failure, status, name, middleware.GetReqID(r.Context()))
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

func classify(err error) (failure *identity.Error, status int, name string) {
	if hungUp(err) {
		return gone, statuses[gone.Kind].status, statuses[gone.Kind].name
	}
	if errors.As(err, &failure) {
		if known, ok := statuses[failure.Kind]; ok {
			return failure, known.status, known.name
		}
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return late, statuses[late.Kind].status, statuses[late.Kind].name
	}
	return fault, http.StatusInternalServerError, "internal"
}

// hungUp says whether an error is the caller's going away: before the answer was
// there, or while it was being written. Connections that are not the caller's fail
// as an identity.Error.
func hungUp(err error) bool {
	var failure *identity.Error
	var broken *net.OpError
	return errors.Is(err, context.Canceled) ||
		!errors.As(err, &failure) && errors.As(err, &broken) && broken.Op == "write"
}

func plain(failure *identity.Error) map[string]any {
	if failure.Kind == identity.InvalidRecord {
		return map[string]any{"error": failure.Messages()}
	}
	return map[string]any{"error": failure.Sentence()}
}

func problem(failure *identity.Error, status int, name, requestID string) generated.Problem {
	return generated.Problem{
		Type:   "urn:barong:error:" + name,
		Title:  http.StatusText(status),
		Status: status,
		Detail: failure.Sentence(),
		Errors: viewAll(failure.Violations, func(v identity.Violation) generated.ProblemError {
			pointer := ""
			if v.Field != "" {
				pointer = "/" + v.Field
			}
			return generated.ProblemError{Pointer: pointer, Code: v.Code, Detail: v.Message}
		}),
		RequestID: requestID,
	}
}

// acceptsProblem is true when the caller names the media type of problem details.
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
