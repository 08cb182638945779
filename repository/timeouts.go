package repository

import (
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// lockShare is the part of a request's time that it may wait for one lock. A row is
// locked for milliseconds: who waits longer waits for something that is stuck, and
// holds a connection of the pool meanwhile.
const lockShare = 3

// Timeouts has Postgres end what no request waits for any longer, on connections
// made for requests that take at most so long: a statement (as long, and not less
// than what counting in the background takes), the wait for a lock (a third of it),
// a transaction in which nothing happens (as long). Requests cancel their
// statements themselves at their deadline; this is for when that does not arrive,
// since the process or the network is gone. With 0 there is no limit, whatever the
// role or the database has.
//
// What the connection string sets itself stands. Where it prepares no statements
// (default_query_exec_mode), a pooler is between that gives connections away and
// takes no such parameters: then nothing is set, and docs/operations.md says where
// to set it instead.
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

// milliseconds is a limit as Postgres reads it. 0 is none, so that a shorter limit
// is a millisecond.
func milliseconds(limit time.Duration) string {
	if limit > 0 {
		limit = max(limit, time.Millisecond)
	}
	return strconv.FormatInt(limit.Milliseconds(), 10)
}
