package cli

import (
	"context"
	"fmt"
	"text/tabwriter"
	"time"

	"barong/internal/app"
	"barong/repository"
)

type migrateCommand struct {
	Up     migrateUpCommand     `cmd:"" help:"Bring the schema up to date. serve does so too, when it starts."`
	Status migrateStatusCommand `cmd:"" help:"Show which migrations are applied and which are pending."`
}

type migrateUpCommand struct{}

func (migrateUpCommand) Help() string {
	return "Servers and this command take turns, so it is safe at any time.\n\nExample:\n  DATABASE_URL=postgres://barong@db/barong barong migrate up"
}

func (migrateUpCommand) Run(p *program) error {
	return withApp(p, func(ctx context.Context, a *app.App) error {
		applied, err := repository.Migrate(ctx, a.Pool, warnLogger(p))
		if err != nil {
			return err
		}
		for _, step := range applied {
			fmt.Fprintf(p.stdout, "applied %s\n", step.Name)
		}
		repo := a.Repo
		filled, err := repo.FillEmailKeys(ctx)
		if err != nil {
			return err
		}
		if filled > 0 {
			fmt.Fprintf(p.stdout, "computed the keys of %d e-mails\n", filled)
		}
		shared, err := repo.SharedMailboxes(ctx)
		if err != nil {
			return err
		}
		if len(shared) > 0 {
			fmt.Fprintf(p.stdout, "%d mailboxes have several accounts: barong users collisions lists them\n", len(shared))
		}
		_, err = fmt.Fprintln(p.stdout, "the schema is up to date")
		return err
	})
}

type migrateStatusCommand struct{}

func (migrateStatusCommand) Help() string {
	return "Example:\n  barong migrate status"
}

func (migrateStatusCommand) Run(p *program) error {
	return withApp(p, func(ctx context.Context, a *app.App) error {
		steps, err := repository.Migrations(ctx, a.Pool, warnLogger(p))
		if err != nil {
			return err
		}
		table := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
		for _, step := range steps {
			when := "pending"
			if !step.AppliedAt.IsZero() {
				when = step.AppliedAt.UTC().Format(time.RFC3339)
			}
			fmt.Fprintf(table, "%s\t%s\n", step.Name, when)
		}
		return table.Flush()
	})
}
