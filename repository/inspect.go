package repository

import (
	"context"
	"fmt"
	"math"
	"time"

	sq "github.com/Masterminds/squirrel"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Inspection is what a database says of itself.
type Inspection struct {
	Version        string // of Postgres, as 17.10
	Name           string // of the database
	User           string // that this process is
	ReadOnly       bool   // nothing can be written: a standby, or a role or database set so
	Schema         int64  // the newest step that was taken; 0: none
	SchemaRequired int64  // the newest step that this binary has
	// ClockAhead is how far the clock of the database is ahead of this machine's, as
	// closely as the way there and back tells; negative where it is behind.
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

// Inspect asks a database, and changes nothing.
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

// clockTrips is how often the clock is read: the first time prepares the statement.
const clockTrips = 3

// clockAhead compares the clocks in the middle of the shortest of some round trips.
func clockAhead(ctx context.Context, pool *pgxpool.Pool) (ahead time.Duration, err error) {
	shortest := time.Duration(math.MaxInt64)
	for range clockTrips {
		var there time.Time
		sent := time.Now()
		if err := pool.QueryRow(ctx, selectClock.sql).Scan(&there); err != nil {
			return 0, fmt.Errorf("the clock of the database cannot be read: %w", err)
		}
		if trip := time.Since(sent); trip < shortest {
			shortest, ahead = trip, there.Sub(sent.Add(trip/2))
		}
	}
	return ahead, nil
}
