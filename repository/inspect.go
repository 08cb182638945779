package repository

import (
	"context"
	"fmt"
	"math"
	"time"

	sq "github.com/Masterminds/squirrel"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Inspection describes a database and this server's access to it.
type Inspection struct {
	Version        string // of Postgres, such as 17.10
	Name           string // of the database
	User           string // the database user of this process
	ReadOnly       bool   // the database takes no writes: it is a standby, or the role or the database is set so
	Schema         int64  // the newest migration that was applied; 0 without one
	SchemaRequired int64  // the newest migration of this binary
	// ClockAhead is how far the clock of the database is ahead of this machine's, negative where it
	// is behind. Half a round trip limits its precision.
	ClockAhead time.Duration
}

var (
	inspectServer = compile(sq.Select(
		"current_setting('server_version')", "current_database()", "current_user",
		"pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on'", "to_regclass("+text(gooseTable.name)+") IS NOT NULL",
	))

	selectSchema = compile(sq.Select("COALESCE(MAX(" + gooseTable.versionID + "), 0)").From(gooseTable.name).Where(gooseTable.isApplied))

	selectClock = compile(sq.Select("clock_timestamp()"))
)

// Inspect queries a database and changes nothing.
func Inspect(ctx context.Context, pool *pgxpool.Pool) (Inspection, error) {
	var found Inspection
	var err error
	if found.SchemaRequired, err = LatestSchema(); err != nil {
		return found, err
	}
	var migrated bool
	if err := pool.QueryRow(ctx, inspectServer.sql).Scan(&found.Version, &found.Name, &found.User, &found.ReadOnly, &migrated); err != nil {
		return found, fmt.Errorf("the database does not answer: %w", err)
	}
	if migrated {
		if err := pool.QueryRow(ctx, selectSchema.sql).Scan(&found.Schema); err != nil {
			return found, fmt.Errorf("the version of the schema cannot be read: %w", err)
		}
	}
	found.ClockAhead, err = clockAhead(ctx, pool)
	return found, err
}

// clockTrips is how often the clock is read: the first query prepares the statement.
const clockTrips = 3

// clockAhead compares the clocks at the middle of the shortest of several round trips.
func clockAhead(ctx context.Context, pool *pgxpool.Pool) (ahead time.Duration, err error) {
	shortest := time.Duration(math.MaxInt64)
	for range clockTrips {
		var remote time.Time
		sent := time.Now()
		if err := pool.QueryRow(ctx, selectClock.sql).Scan(&remote); err != nil {
			return 0, fmt.Errorf("the clock of the database cannot be read: %w", err)
		}
		if trip := time.Since(sent); trip < shortest {
			shortest, ahead = trip, remote.Sub(sent.Add(trip/2))
		}
	}
	return ahead, nil
}
