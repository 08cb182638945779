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

// The exit statuses of every command; docs/command-line.md has them for callers.
const (
	exitOK           = 0
	exitFailure      = 1 // it was tried and did not work
	exitUsage        = 2 // the command line makes no sense; nothing was tried
	exitRefused      = 3 // call: the server refused the request; import: some rows were refused, and all others imported
	exitUnauthorized = 4 // call: the server does not accept the signers
	exitUnavailable  = 5 // the server or the database cannot be reached or is overloaded: later it may work
)

// usageError is a command line that makes no sense. Kong finds most of them; a
// command returns one for what only it can judge.
type usageError struct{ message string }

func (e *usageError) Error() string { return e.message }

func usagef(format string, arguments ...any) error {
	return &usageError{fmt.Sprintf(format, arguments...)}
}

// unavailableError is a server that cannot be reached.
type unavailableError struct{ error }

func (e unavailableError) Unwrap() error { return e.error }

// answeredError is an error response of the server, which has been shown already.
type answeredError struct{ status int }

func (e *answeredError) Error() string { return "the server answered with an error" }

// errRefused is a run to the end that refused rows, and has said so.
var errRefused = errors.New("some rows were refused")

// exitStatus says what a failure of a command is to the process that ran it.
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

// explain says what went wrong, unless that has been shown. An error of usage
// names the help of the command.
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

// commandOf is the command that a command line names, as far as it makes sense:
// barong otp enroll.
func commandOf(parsed *kong.Context) string {
	if parsed == nil {
		return "barong"
	}
	if selected := parsed.Selected(); selected != nil {
		return selected.FullPath()
	}
	// Trace stops at the first word that it does not know.
	for i := len(parsed.Path) - 1; i >= 0; i-- {
		if node := parsed.Path[i].Node(); node != nil {
			return node.FullPath()
		}
	}
	return "barong"
}
