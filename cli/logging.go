package cli

import "log/slog"

// quiet is the log of commands whose output is for a person: warnings and worse.
func quiet(p *program) *slog.Logger {
	return slog.New(slog.NewTextHandler(p.stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
}
