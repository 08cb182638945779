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

// What a caller is told who breaks a constraint, by the constraint's name in
// migrations/.
var violated = map[string]problem.Violation{
	"users_email_folded_key":       identity.EmailTaken,
	"users_email_key_key":          identity.EmailTaken,
	"users_uid_key":                identity.UIDTaken,
	"phones_validated_number_key":  identity.PhoneTaken,
	"labels_user_id_key_scope_key": identity.LabelKeyTaken,
}

// retryAfter is what callers are advised to wait while the database is away:
// long enough for a restart, short enough for a failover to go unnoticed.
const retryAfter = 2 * time.Second

// translate makes an identity error of what the database says, by SQLSTATE
// (PostgreSQL manual, appendix A) and constraint name. What it leaves as it is
// is a fault of this server.
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
	var refusal *pgconn.PgError
	if errors.As(err, &refusal) {
		if violation, ok := violated[refusal.ConstraintName]; ok && refusal.Code == "23505" {
			return problem.Invalid(violation)
		}
		if isSerializationFailure(err) || unavailableStates[refusal.Code] || unavailableClasses[refusal.Code[:2]] {
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

// timedOut is time that ran out for a request, a statement or a lock, and not for
// a connection that is being made: then the database is away.
func timedOut(err error) bool {
	var connect *pgconn.ConnectError
	if errors.As(err, &connect) {
		return false
	}
	var refusal *pgconn.PgError
	if errors.As(err, &refusal) {
		return refusal.Code == "57014" || refusal.Code == "55P03" || refusal.Code == "25P03"
	}
	return errors.Is(err, context.DeadlineExceeded)
}

// The classes of SQLSTATE, and the single ones, that speak of the database's
// state and not of the statement.
var (
	unavailableClasses = map[string]bool{
		"08": true, // connection exception
		"53": true, // insufficient resources, too many connections among them
		"57": true, // operator intervention: shutdown, starting up, cancelled or out of time (57014)
		"58": true, // system error: disk
	}
	unavailableStates = map[string]bool{
		"25006": true, // read-only transaction: a standby after a failover
		"25P03": true, // idle in a transaction for too long: this process stood still
		"55P03": true, // lock not available in time
	}
)

// isSerializationFailure is a serialisation failure or a deadlock: the same again may succeed.
func isSerializationFailure(err error) bool {
	var refusal *pgconn.PgError
	return errors.As(err, &refusal) && (refusal.Code == "40001" || refusal.Code == "40P01")
}

// isConnectionError is a connection that could not be made, whatever the reason, or
// that broke, be it before anything was sent; and time that ran out while waiting
// for one.
func isConnectionError(err error) bool {
	var connect *pgconn.ConnectError
	var network net.Error
	return errors.As(err, &connect) || errors.As(err, &network) || pgconn.SafeToRetry(err) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, puddle.ErrClosedPool) || errors.Is(err, pgx.ErrTxClosed) ||
		errors.Is(err, pgx.ErrTxCommitRollback)
}
