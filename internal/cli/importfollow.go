package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"barong/internal/app"
	"barong/internal/bulk"
	"barong/repository"
)

// checkFollow checks --follow beside the other options.
func (c importCommand) checkFollow() error {
	switch {
	case c.Follow == 0:
		return nil
	case c.Follow < time.Second:
		return usagef("--follow must be at least 1s, and is %s", c.Follow)
	case c.From == "" || c.To != "" || c.DryRun:
		return usagef("--follow imports from the database of --from: leave --to and --dry-run out")
	}
	return nil
}

// followDatabase imports the users of --from again and again, c.Follow after each run, until a signal. The
// first run has to succeed. A later one that fails is made again, so that either database may be away for a
// time. It writes to stdout which runs have changed something here, and returns the outcome of the last
// complete one.
func (c importCommand) followDatabase(ctx context.Context, p *program, a *app.App) error {
	run, outcome := c.importDatabaseOnce(ctx, p, a)
	if outcome != nil && !errors.Is(outcome, errRefused) {
		return outcome
	}
	c.warn(ctx, a)
	c.Restart = false
	fmt.Fprintf(p.stderr, "following: the next run begins %s after the end of one, until a signal\n", c.Follow)
	for troubled, failing := troubles(run), false; ; {
		select {
		case <-ctx.Done():
			return outcome
		case <-time.After(c.Follow):
		}
		var output bytes.Buffer
		run, err := c.importDatabaseOnce(ctx, &program{stdout: &output, stderr: io.Discard}, a)
		switch {
		case ctx.Err() != nil:
			return outcome
		case err != nil && !errors.Is(err, errRefused):
			if !failing {
				fmt.Fprintf(p.stderr, "%s: %v; another run is made until one succeeds\n", now(), err)
			}
			failing = true
			continue
		case failing:
			fmt.Fprintf(p.stderr, "%s: runs succeed again\n", now())
		}
		if failing || changes(run) > 0 || troubles(run) != troubled {
			fmt.Fprintf(p.stdout, "%s:\n%s", now(), &output)
		}
		troubled, failing, outcome = troubles(run), false, err
	}
}

func now() string { return time.Now().UTC().Format(time.RFC3339) }

// changes is the number of users that a run has written.
func changes(run repository.ImportRun) int64 {
	summary, err := bulk.SummaryOf(run)
	if err != nil {
		return run.Imported
	}
	return run.Imported + summary.Updated
}

// troubles is the number of users whom a run could not bring over.
func troubles(run repository.ImportRun) int64 {
	summary, err := bulk.SummaryOf(run)
	if err != nil {
		return run.Refused
	}
	return run.Refused + summary.Users(bulk.FoundConflict)
}
