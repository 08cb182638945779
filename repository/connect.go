package repository

import (
	"crypto/tls"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// refusesConnections are the SQLSTATEs, or classes of SQLSTATEs, of a server that answers and keeps
// rejecting connections until its settings or those of this server change: a wrong user or
// password, a missing database, a missing right to connect, an unknown setting in the connection
// string.
var refusesConnections = []string{
	"28",    // invalid authorization: 28P01 a wrong password, 28000 no such user, or pg_hba.conf has no line for it
	"3D000", // the database does not exist
	"42",    // access rule violation: 42501 no right to connect, 42704 an unknown parameter
	"22",    // an invalid value of a parameter
	"0A000", // a feature that the server does not support
	"08P01", // a pooler that does not know the user, the database or a parameter
}

// tlsRefused is the message of pgx for a server without TLS. The error has no type.
const tlsRefused = "server refused TLS connection"

// RefusedForGood reports whether waiting cannot fix the connection error err. The reason is one
// line with the server's message and without the connection string. With several hosts, all of them
// must reject the connection: an error that may be temporary on one of them makes the result false.
func RefusedForGood(err error) (reason string, refused bool) {
	var failed *pgconn.ConnectError
	if !errors.As(err, &failed) {
		return "", false
	}
	for _, cause := range attempts(failed.Unwrap()) {
		why, permanent := permanentCause(cause)
		if !permanent {
			return "", false
		}
		// The last reason is reported: by default pgx tries TLS first, then plain text.
		reason = why
	}
	return reason, reason != ""
}

// attempts splits a joined error into one error for each attempt: for several hosts, or for one
// host with TLS and with plain text.
func attempts(err error) []error {
	joined, ok := err.(interface{ Unwrap() []error }) // only a join at the top holds attempts
	if !ok {
		return []error{err}
	}
	return joined.Unwrap()
}

func permanentCause(err error) (reason string, permanent bool) {
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) {
		for _, code := range refusesConnections {
			if strings.HasPrefix(pgErr.Code, code) {
				return pgErr.Error(), true
			}
		}
		return "", false
	}
	var certificate *tls.CertificateVerificationError
	if errors.As(err, &certificate) {
		return certificate.Error(), true
	}
	if strings.Contains(err.Error(), tlsRefused) {
		return tlsRefused + "; sslmode in the URL asks for it", true
	}
	return "", false
}
