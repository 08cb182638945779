package cli

import (
	"context"

	"barong/internal/app"
	"barong/internal/config"
	"barong/internal/journal"
)

// recordsOf returns the function that makes a record for each write of an operation.
func recordsOf(operation string) func() *journal.Record {
	return func() *journal.Record { return journal.NewCommand(operation) }
}

// withApp runs work with the configured database, or with the private one that a server
// created. Only serve creates a database.
func withApp(p *program, work func(ctx context.Context, a *app.App) error) error {
	settings, err := config.Read()
	if err != nil {
		return err
	}
	ctx, cancel := signalContext()
	defer cancel()
	a, err := app.Open(ctx, settings, warnLogger(p))
	if err != nil {
		return err
	}
	defer a.Close()
	return work(ctx, a)
}
