package cli

import (
	"io"
	"log/slog"

	"barong/internal/config"
)

// warnLogger is the log of commands whose output is for a person: warnings and worse.
func warnLogger(p *program) *slog.Logger {
	return slog.New(slog.NewTextHandler(p.stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// newLog is the log of the server.
func newLog(c config.Config, to io.Writer) *slog.Logger {
	options := &slog.HandlerOptions{Level: c.LogLevel}
	if logsJSON(c, to) {
		options.ReplaceAttr = durationsAsText
		return slog.New(slog.NewJSONHandler(to, options))
	}
	return slog.New(slog.NewTextHandler(to, options))
}

// logsJSON says whether what is written there is for a program rather than a person.
func logsJSON(c config.Config, to io.Writer) bool {
	return c.LogFormat == config.LogJSON || c.LogFormat == config.LogAuto && !isTerminal(to)
}

// durationsAsText writes a span of time as 1m30s: slog's JSON has a number of
// nanoseconds, which nobody can tell from another unit.
func durationsAsText(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindDuration {
		a.Value = slog.StringValue(a.Value.Duration().String())
	}
	return a
}
