package repository

import (
	"context"
	"errors"
	"io"
	"net"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/puddle/v2"

	"barong/internal/identity"
	"barong/internal/problem"
)

// violated maps the name of a unique constraint of migrations/ to the violation that the caller
// gets.
var violated = map[string]problem.Violation{
	"users_email_folded_key":       identity.EmailTaken,
	"users_email_key_key":          identity.EmailTaken,
	"users_uid_key":                identity.UIDTaken,
	"phones_validated_number_key":  identity.PhoneTaken,
	"labels_user_id_key_scope_key": identity.LabelKeyTaken,
}

// retryAfter is the advised wait while the database is unavailable: long enough for a restart,
// short enough for a failover to go unnoticed.
const retryAfter = 2 * time.Second

// translate turns a database error into an identity error, by SQLSTATE (PostgreSQL manual, appendix
// A) and constraint name. An error that it returns unchanged is an internal error.
func translate(err error) error {
	var known *problem.Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	if errors.Is(err, pgx.ErrNoRows) {
		return identity.ErrRecordNotFound
	}
	if isConnectionError(err) {
		return unavailable(err)
	}
	if isKeySpent(err) {
		return ErrKeySpent.WithCause(err)
	}
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) {
		if violation, ok := violated[pgErr.ConstraintName]; ok && pgErr.Code == "23505" {
			return problem.Invalid(violation)
		}
		if isSerializationFailure(err) || unavailableStates[pgErr.Code] || unavailableClasses[pgErr.Code[:2]] {
			return unavailable(err)
		}
	}
	return err
}

func unavailable(cause error) error {
	failure := &problem.Error{
		Kind:       problem.Unavailable,
		Detail:     "The database is not available, try again later",
		RetryAfter: retryAfter,
		Cause:      cause,
	}
	if timedOut(cause) {
		failure.Reason = problem.TimedOut
	}
	return failure
}

// timedOut reports a timeout of a request, a statement or a lock. A timeout of connecting does not
// count: then the database is unavailable.
func timedOut(err error) bool {
	var connect *pgconn.ConnectError
	if errors.As(err, &connect) {
		return false
	}
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) {
		return pgErr.Code == "57014" || pgErr.Code == "55P03" || pgErr.Code == "25P03"
	}
	return errors.Is(err, context.DeadlineExceeded)
}

// The classes and single codes of SQLSTATE that describe the state of the database and not a fault
// of the statement.
var (
	unavailableClasses = map[string]bool{
		"08": true, // connection exception
		"53": true, // insufficient resources, too many connections among them
		"57": true, // operator intervention: shutdown, startup, cancelled or timed out (57014)
		"58": true, // system error: disk
	}
	unavailableStates = map[string]bool{
		"25006": true, // read-only transaction: a standby after a failover
		"25P03": true, // idle in a transaction for too long: this process was stopped
		"55P03": true, // lock not available in time
	}
)

// isSerializationFailure reports a serialization failure or a deadlock: a retry may succeed.
func isSerializationFailure(err error) bool {
	var pgErr *pgconn.PgError
	return errors.As(err, &pgErr) && (pgErr.Code == "40001" || pgErr.Code == "40P01")
}

// isConnectionError reports a connection that could not be opened for any reason, a connection that
// broke, even before anything was sent, or a timeout while waiting for a connection.
func isConnectionError(err error) bool {
	var connect *pgconn.ConnectError
	var network net.Error
	return errors.As(err, &connect) || errors.As(err, &network) || pgconn.SafeToRetry(err) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, puddle.ErrClosedPool) || errors.Is(err, pgx.ErrTxClosed) ||
		errors.Is(err, pgx.ErrTxCommitRollback)
}

// isConnectionLost reports that a connection could not be opened, or broke, or that the server ended it: a
// transaction that was on it may be committed. A timeout is none.
func isConnectionLost(err error) bool {
	if err == nil || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return false
	}
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) {
		return pgErr.Code[:2] == "08" || pgErr.Code == "57P01" || pgErr.Code == "57P02"
	}
	return isConnectionError(err)
}
