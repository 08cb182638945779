package cli

import (
	"context"

	"barong/internal/app"
	"barong/internal/config"
)

// withApp runs work on the database that the settings name, or on the private one of
// a server. Only serve makes one.
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
