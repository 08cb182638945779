package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"barong/internal/app"
	"barong/internal/config"
	"barong/internal/embeddedpg"
	"barong/repository"
)

// databaseCheck is the state of the database.
type databaseCheck struct {
	Where          string  `json:"where"` // without the URL, which may contain a password
	Reachable      bool    `json:"reachable"`
	Version        string  `json:"version,omitempty"`
	ReadOnly       bool    `json:"read_only"`
	Schema         int64   `json:"schema"`
	SchemaRequired int64   `json:"schema_required"`
	ClockAhead     float64 `json:"clock_ahead_seconds"` // relative to this machine's clock
	// Overlooked are the keys of private labels that begin with a trigger and equal none, which in
	// Barong alone change the state. It is null where it could not be found out.
	Overlooked []overlookedCheck `json:"overlooked_labels"`
}

type overlookedCheck struct {
	Key     string `json:"key"`
	Trigger string `json:"trigger"`
	State   string `json:"state"`
	Users   int64  `json:"users"`
}

// clockTolerance is the maximum clock difference that is not reported.
const clockTolerance = time.Second

func (r *checkReport) askDatabase(ctx context.Context, c config.Config) {
	r.Database = &databaseCheck{Where: "that of DATABASE_URL"}
	url := c.DatabaseURL
	if url == "" {
		r.Database.Where = "a private Postgres in " + app.PostgresDir(c)
		exists, err := embeddedpg.Exists(app.PostgresDir(c))
		if err != nil {
			r.problem("%s", err)
			return
		}
		if url = embeddedpg.RunningURL(ctx, app.PostgresDir(c)); url == "" {
			if r.Database.Where += ", which does not run"; !exists {
				r.Database.Where = "none: barong serve makes a private Postgres in " + app.PostgresDir(c)
			}
			return
		}
	}
	pool, err := repository.Open(ctx, url)
	if err != nil {
		r.problem("DATABASE_URL: %s", err)
		return
	}
	defer pool.Close()
	found, err := repository.Inspect(ctx, pool)
	if err != nil {
		if reason, refused := repository.RefusedForGood(err); refused {
			r.problem("DATABASE_URL: the database refuses the connection: %s", reason)
			return
		}
		r.problem("DATABASE_URL: %s", oneLine(err))
		return
	}
	r.Database.Where += fmt.Sprintf(": %s as %s", found.Name, found.User)
	r.Database.Reachable, r.Database.Version, r.Database.ReadOnly = true, found.Version, found.ReadOnly
	r.Database.Schema, r.Database.SchemaRequired = found.Schema, found.SchemaRequired
	r.Database.ClockAhead = found.ClockAhead.Round(time.Millisecond).Seconds()
	if found.ReadOnly {
		r.problem("the database is read-only: DATABASE_URL must lead to the primary (with several hosts, target_session_attrs=read-write)")
	}
	if found.Schema < found.SchemaRequired {
		r.warn("the schema is at version %d and this binary needs %d: barong serve brings it up to date when it starts, barong migrate up beforehand", found.Schema, found.SchemaRequired)
	}
	if found.ClockAhead.Abs() > clockTolerance {
		r.warn("the clocks of the database and of this machine are %s apart", found.ClockAhead.Abs().Round(time.Millisecond))
	}
	if found.Schema > 0 {
		r.findOverlooked(ctx, c, repository.New(pool))
	}
}

// maxOverlookedShown is the maximum number of label keys in the warning.
const maxOverlookedShown = 5

// findOverlooked finds labels that change the state in Barong and not here.
func (r *checkReport) findOverlooked(ctx context.Context, c config.Config, repo *repository.Repository) {
	policy, err := c.Policy()
	if err != nil {
		return // the check of barong.yml reports it
	}
	overlooked, err := repo.OverlookedLabels(ctx, policy)
	if err != nil {
		r.warn("it could not be found out whether labels begin with a state trigger and equal none: %s", oneLine(err))
		return
	}
	r.Database.Overlooked = []overlookedCheck{}
	var keys []string
	for _, label := range overlooked {
		r.Database.Overlooked = append(r.Database.Overlooked, overlookedCheck{label.Key, label.Begin, label.State, label.Users})
		if len(keys) < maxOverlookedShown {
			keys = append(keys, fmt.Sprintf("%s (begins with %s: %s; %s)", label.Key, label.Begin, label.State, counted(int(label.Users), "user")))
		}
	}
	if len(overlooked) > 0 {
		more := ""
		if hidden := len(overlooked) - len(keys); hidden > 0 {
			more = fmt.Sprintf(" and %d more", hidden)
		}
		r.warn("%s of private labels in the database only begin with a state trigger, so that they change the state in Barong and not here: %s%s; "+
			"write the key, or the trigger with a *, into state_triggers if it is meant", counted(len(overlooked), "key"), strings.Join(keys, ", "), more)
	}
}
