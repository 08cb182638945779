package handlers

import (
	"errors"
	"log/slog"
	"net/http"
	"slices"

	"barong/internal/problem"
)

// ErrorResponse describes an error response for logs and metrics.
type ErrorResponse struct {
	Reason string // one of Reasons
	Status int
	Err    error // includes the cause, which the caller does not see
}

// The reasons that are not a kind of problem.Error.
const (
	reasonAbandoned = "abandoned" // the client disconnected, or the server is shutting down
	reasonInternal  = "internal"  // an internal error
)

// Reasons returns all reasons of an ErrorResponse, sorted: the names of the kinds of errors, as in
// the type of a problem, and a few more specific ones.
func Reasons() []string {
	reasons := []string{reasonAbandoned, reasonInternal}
	for _, finer := range []problem.Reason{problem.MissingSignatures, problem.Overloaded, problem.RateLimited, problem.TimedOut, problem.WrongClock} {
		reasons = append(reasons, string(finer))
	}
	for _, known := range statuses {
		reasons = append(reasons, known.name)
	}
	slices.Sort(reasons)
	return reasons
}

func newErrorResponse(err error, failure *problem.Error, status int, name string) ErrorResponse {
	switch {
	case isClientDisconnect(err):
		name = reasonAbandoned
	case failure.Reason != "":
		name = string(failure.Reason)
	}
	return ErrorResponse{Reason: name, Status: status, Err: err}
}

// Level is the log level of the error.
func (r ErrorResponse) Level() slog.Level {
	switch {
	case r.Reason == reasonAbandoned:
		return slog.LevelInfo
	case r.Status >= http.StatusInternalServerError:
		return slog.LevelError
	case r.Status == http.StatusUnauthorized:
		return slog.LevelWarn // the response does not contain the reason, only the log does
	case r.Status == http.StatusUnprocessableEntity && errors.Unwrap(r.Err) != nil:
		return slog.LevelWarn // the error has a cause that is not the caller's fault
	default:
		return slog.LevelInfo
	}
}
