package cli

import (
	"errors"
	"fmt"
	"io"
	"net/http"

	"barong/internal/problem"

	"github.com/alecthomas/kong"
	"github.com/jackc/pgx/v5/pgconn"
)

// Exit statuses of all commands; docs/command-line.md documents them.
const (
	exitOK           = 0
	exitFailure      = 1 // the command was tried and failed
	exitUsage        = 2 // invalid command line; nothing was tried
	exitRefused      = 3 // call: the server rejected the request; import: some rows were rejected, and all others imported
	exitUnauthorized = 4 // call: the server rejected the signatures
	exitUnavailable  = 5 // the server or the database is unreachable or overloaded; a later attempt may succeed
)

// usageError is an invalid command line. Kong detects most of them; commands return it for the
// others.
type usageError struct{ message string }

func (e *usageError) Error() string { return e.message }

func usagef(format string, arguments ...any) error {
	return &usageError{fmt.Sprintf(format, arguments...)}
}

// unavailableError means that a server cannot be reached.
type unavailableError struct{ error }

func (e unavailableError) Unwrap() error { return e.error }

// answeredError is an error response of the server that has already been printed.
type answeredError struct{ status int }

func (e *answeredError) Error() string { return "the server answered with an error" }

// errRefused means that the command finished and has reported rejected rows.
var errRefused = errors.New("some rows were refused")

// exitStatus maps the error of a command to the exit status.
func exitStatus(err error) int {
	var (
		usage       *usageError
		answered    *answeredError
		unavailable unavailableError
		connect     *pgconn.ConnectError
	)
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &usage):
		return exitUsage
	case errors.Is(err, errRefused):
		return exitRefused
	case errors.As(err, &answered):
		return answered.exitStatus()
	case errors.As(err, &unavailable), errors.As(err, &connect), problem.KindOf(err) == problem.Unavailable:
		return exitUnavailable
	default:
		return exitFailure
	}
}

func (e *answeredError) exitStatus() int {
	switch {
	case e.status == http.StatusUnauthorized, e.status == http.StatusForbidden:
		return exitUnauthorized
	case e.status == http.StatusTooManyRequests, e.status > http.StatusInternalServerError:
		return exitUnavailable
	case e.status >= http.StatusBadRequest && e.status < http.StatusInternalServerError:
		return exitRefused
	default:
		return exitFailure
	}
}

// explain prints the error, unless it has already been printed. For a usage error it refers to
// the command's help.
func explain(to io.Writer, command string, err error) {
	var usage *usageError
	var answered *answeredError
	switch {
	case err == nil, errors.Is(err, errRefused), errors.As(err, &answered):
	case errors.As(err, &usage):
		fmt.Fprintf(to, "barong: %s\nTry: %s --help\n", err, command)
	default:
		fmt.Fprintf(to, "barong: %s\n", err)
	}
}

// commandOf returns the command of a command line, such as barong otp enroll. Words that are
// not valid are left out.
func commandOf(parsed *kong.Context) string {
	if parsed == nil {
		return "barong"
	}
	if selected := parsed.Selected(); selected != nil {
		return selected.FullPath()
	}
	// The path ends at the first unknown word.
	for i := len(parsed.Path) - 1; i >= 0; i-- {
		if node := parsed.Path[i].Node(); node != nil {
			return node.FullPath()
		}
	}
	return "barong"
}
