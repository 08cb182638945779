package repository

import (
	"crypto/tls"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// refusesConnections are the SQLSTATEs, or the classes of them, of a server that
// answers and will go on refusing until somebody changes its settings or ours: a
// wrong user or password, no such database, no right to connect, a setting in the
// connection string that the server does not know.
var refusesConnections = []string{
	"28",    // invalid authorization: 28P01 a wrong password, 28000 no such user, or pg_hba.conf has no line for it
	"3D000", // no such database
	"42",    // access rule violation: 42501 no right to connect, 42704 an unknown parameter
	"22",    // a parameter's value that makes no sense
	"0A000", // what the server does not support
	"08P01", // a pooler that does not know the user, the database or a parameter
}

// tlsRefused is what pgx says of a server that speaks no TLS. It has no type.
const tlsRefused = "server refused TLS connection"

// RefusedForGood says whether err is that of a connection that time does not heal,
// and why in one line, in the server's own words, without the connection string. Of
// several hosts all must have refused: one that may come back decides otherwise.
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
		// The last one counts: by default TLS is tried first, then plain text.
		reason = why
	}
	return reason, reason != ""
}

// attempts splits the joined errors of several hosts, or of one host by TLS and by
// plain text, into one error each.
func attempts(err error) []error {
	joined, ok := err.(interface{ Unwrap() []error }) // only a join at the top is one of attempts
	if !ok {
		return []error{err}
	}
	return joined.Unwrap()
}

func permanentCause(err error) (reason string, permanent bool) {
	var answered *pgconn.PgError
	if errors.As(err, &answered) {
		for _, code := range refusesConnections {
			if strings.HasPrefix(answered.Code, code) {
				return answered.Error(), true
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
