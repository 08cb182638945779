package cli

import (
	"context"
	"log/slog"
	"os/signal"
	"syscall"
)

// quiet is the log of commands whose output is for a person: warnings and worse.
func quiet(p *program) *slog.Logger {
	return slog.New(slog.NewTextHandler(p.stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// untilSignal ends with the first SIGTERM or SIGINT. The second one ends the
// process, as it always does.
func untilSignal() (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}
