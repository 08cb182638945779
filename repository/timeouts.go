package repository

import (
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// lockShare divides a request's time: the quotient limits the wait for one lock. Row locks are held
// for milliseconds, so a longer wait means that the holder is stuck, and the waiting request
// occupies a connection of the pool.
const lockShare = 3

// Timeouts sets limits in Postgres for connections of requests that take at most the given time:
// for a statement (that time, but not less than a count in the background may take), for the wait
// for a lock (a third of it), and for an idle transaction (that time). Requests cancel their
// statements at their deadline themselves; the limits apply where the cancellation does not arrive,
// because the process or the network has failed. 0 means no limit, overriding the role's and the
// database's settings.
//
// Settings in the connection string take precedence. A connection string that disables prepared
// statements (default_query_exec_mode) implies a pooler, which shares connections and does not
// accept such parameters. Then nothing is set, and docs/operations.md says where to set the limits
// instead.
func Timeouts(request time.Duration) func(*pgxpool.Config) {
	return func(config *pgxpool.Config) {
		mode := config.ConnConfig.DefaultQueryExecMode
		if mode == pgx.QueryExecModeExec || mode == pgx.QueryExecModeSimpleProtocol {
			return
		}
		statement := request
		if request > 0 {
			statement = max(request, countTimeout)
		}
		for name, limit := range map[string]time.Duration{
			"statement_timeout":                   statement,
			"lock_timeout":                        request / lockShare,
			"idle_in_transaction_session_timeout": request,
		} {
			if _, given := config.ConnConfig.RuntimeParams[name]; !given {
				config.ConnConfig.RuntimeParams[name] = milliseconds(limit)
			}
		}
	}
}

// milliseconds formats a limit for Postgres. 0 means no limit, so a positive limit is at least a
// millisecond.
func milliseconds(limit time.Duration) string {
	if limit > 0 {
		limit = max(limit, time.Millisecond)
	}
	return strconv.FormatInt(limit.Milliseconds(), 10)
}
