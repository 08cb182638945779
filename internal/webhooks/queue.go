package webhooks

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/riverqueue/river/rivertype"
)

// Schema is the schema of the queue of jobs. It is River's own: it has an enum type, functions and an
// unlogged table, so it needs PostgreSQL. It is made when the first endpoint is configured.
const Schema = "barong_river"

// Times of jobs.
const (
	rescueAfter  = 2 * time.Minute  // after which a job whose server died runs on another one
	jobTimeout   = 75 * time.Second // more than jobBudget and an attempt, and less than rescueAfter
	pollInterval = 500 * time.Millisecond
	keepJobs     = 5 * time.Minute // completed ones
	endless      = 1<<15 - 1       // attempts of a lane's job: its events have their own schedule
)

// laneArgs are the arguments of the job that delivers a user's events to an endpoint. There is at most one
// such job.
type laneArgs struct {
	Endpoint string `json:"endpoint"`
	UID      string `json:"uid"`
}

// Kind implements river.JobArgs.
func (laneArgs) Kind() string { return "webhook_lane" }

// InsertOpts implements river.JobArgsWithInsertOpts.
func (a laneArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: a.Endpoint, MaxAttempts: endless, UniqueOpts: uniqueWhileAlive}
}

// singleArgs are the arguments of the job that sends one event again, out of order.
type singleArgs struct {
	Endpoint string `json:"endpoint"`
	UID      string `json:"uid"`
	Seq      int64  `json:"seq"`
	Index    int    `json:"index"`
}

// Kind implements river.JobArgs.
func (singleArgs) Kind() string { return "webhook_event" }

// InsertOpts implements river.JobArgsWithInsertOpts.
func (a singleArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: a.Endpoint, MaxAttempts: len(schedule), UniqueOpts: uniqueWhileAlive}
}

// uniqueWhileAlive permits a job with the same arguments once the earlier one has ended.
var uniqueWhileAlive = river.UniqueOpts{ByArgs: true, ByState: []rivertype.JobState{
	rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable, rivertype.JobStateRunning, rivertype.JobStateScheduled,
}}

// laneWorker runs the jobs of lanes.
type laneWorker struct {
	river.WorkerDefaults[laneArgs]
	delivery *Delivery
}

// Work implements river.Worker. A job whose event failed waits as long as the event's schedule says.
func (w *laneWorker) Work(ctx context.Context, job *river.Job[laneArgs]) error {
	wait, err := w.delivery.lane(ctx, job.Args.Endpoint, job.Args.UID, func(ctx context.Context, tx pgx.Tx) error {
		_, err := river.JobCompleteTx[*riverpgxv5.Driver](ctx, tx, job)
		return err
	})
	if err == nil && wait > 0 {
		return river.JobSnooze(wait)
	}
	return err
}

// NextRetry implements river.Worker: it is for faults of this server or its database, and for jobs that were
// rescued.
func (w *laneWorker) NextRetry(*river.Job[laneArgs]) time.Time {
	return time.Now().Add(time.Duration((1 + random()) * float64(minPause)))
}

// singleWorker runs the jobs of single events.
type singleWorker struct {
	river.WorkerDefaults[singleArgs]
	delivery *Delivery
}

// Work implements river.Worker.
func (w *singleWorker) Work(ctx context.Context, job *river.Job[singleArgs]) error {
	wait, err := w.delivery.single(ctx, job.Args, job.Attempt)
	if err == nil && wait > 0 {
		return river.JobSnooze(wait)
	}
	return err
}

// NextRetry implements river.Worker.
func (w *singleWorker) NextRetry(job *river.Job[singleArgs]) time.Time {
	wait, _ := waitAfter(min(job.Attempt, len(schedule)-1), random())
	return time.Now().Add(wait)
}

// makeSchema brings River's schema up to date. Of several processes that do so at once one succeeds with a
// step; the others fail, and find it done at their next try.
func makeSchema(ctx context.Context, pool *pgxpool.Pool, log *slog.Logger) error {
	for attempt := 1; ; attempt++ {
		err := migrateSchema(ctx, pool, log)
		if err == nil || attempt == schemaAttempts {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(schemaPause):
		}
	}
}

// How often, and how far apart, the schema is tried: there are fewer steps than attempts.
const (
	schemaAttempts = 20
	schemaPause    = 100 * time.Millisecond
)

func migrateSchema(ctx context.Context, pool *pgxpool.Pool, log *slog.Logger) error {
	if _, err := pool.Exec(ctx, "CREATE SCHEMA IF NOT EXISTS "+Schema); err != nil {
		return fmt.Errorf("the schema %s cannot be made: %w", Schema, err)
	}
	migrator, err := rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{Schema: Schema, Logger: quiet(log)})
	if err != nil {
		return err
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return fmt.Errorf("the schema %s cannot be migrated: %w", Schema, err)
	}
	return nil
}

// newQueue returns a client of the queue. Without a delivery it only inserts jobs.
func newQueue(pool *pgxpool.Pool, log *slog.Logger, delivery *Delivery) (*river.Client[pgx.Tx], error) {
	config := &river.Config{Schema: Schema, Logger: quiet(log)}
	if delivery != nil {
		config.Workers = river.NewWorkers()
		if err := river.AddWorkerSafely(config.Workers, &laneWorker{delivery: delivery}); err != nil {
			return nil, err
		}
		if err := river.AddWorkerSafely(config.Workers, &singleWorker{delivery: delivery}); err != nil {
			return nil, err
		}
		config.PollOnly, config.FetchPollInterval, config.JobTimeout, config.RescueStuckJobsAfter = true, pollInterval, jobTimeout, rescueAfter
		config.CompletedJobRetentionPeriod = keepJobs
		config.Queues = map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: 1}}
	}
	return river.NewClient(riverpgxv5.New(pool), config)
}

// quiet passes on River's warnings and errors: it reports each start and each failed job as information.
func quiet(log *slog.Logger) *slog.Logger { return slog.New(warnings{log.Handler()}) }

// warnings is a handler without anything below a warning.
type warnings struct{ slog.Handler }

// Enabled implements slog.Handler.
func (h warnings) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && h.Handler.Enabled(ctx, level)
}

// WithAttrs implements slog.Handler.
func (h warnings) WithAttrs(attrs []slog.Attr) slog.Handler {
	return warnings{h.Handler.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (h warnings) WithGroup(name string) slog.Handler { return warnings{h.Handler.WithGroup(name)} }
