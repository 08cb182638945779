package handlers

import (
	"errors"
	"log/slog"
	"net/http"
	"slices"

	"barong/internal/problem"
)

// ErrorResponse is an answer that is an error, as the operator is told of it.
type ErrorResponse struct {
	Reason string // one of Reasons
	Status int
	Err    error // with the cause, which the caller does not learn
}

// The reasons that are no kind of problem.Error.
const (
	reasonAbandoned = "abandoned" // the caller hung up, or the server was told to stop
	reasonInternal  = "internal"  // an error of the server
)

// Reasons are all that an ErrorResponse can have, sorted: the names of the kinds of
// errors, as in the type of a problem, and a few finer ones.
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

// Level is how much the error matters to the operator.
func (r ErrorResponse) Level() slog.Level {
	switch {
	case r.Reason == reasonAbandoned:
		return slog.LevelInfo
	case r.Status >= http.StatusInternalServerError:
		return slog.LevelError
	case r.Status == http.StatusUnauthorized:
		return slog.LevelWarn // only the log has the reason
	case r.Status == http.StatusUnprocessableEntity && errors.Unwrap(r.Err) != nil:
		return slog.LevelWarn // it has a cause, and that is not the caller's doing
	default:
		return slog.LevelInfo
	}
}
