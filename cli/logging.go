package cli

import (
	"io"
	"log/slog"

	"barong/config"
)

// quiet is the log of commands whose output is for a person: warnings and worse.
func quiet(p *program) *slog.Logger {
	return slog.New(slog.NewTextHandler(p.stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// newLog is the log of the server.
func newLog(c config.Config, to io.Writer) *slog.Logger {
	options := &slog.HandlerOptions{Level: c.LogLevel}
	if logsJSON(c, to) {
		return slog.New(slog.NewJSONHandler(to, options))
	}
	return slog.New(slog.NewTextHandler(to, options))
}

// logsJSON says whether what is written there is for a program rather than a person.
func logsJSON(c config.Config, to io.Writer) bool {
	return c.LogFormat == config.LogJSON || c.LogFormat == config.LogAuto && !isTerminal(to)
}
