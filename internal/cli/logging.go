package cli

import (
	"io"
	"log/slog"

	"barong/internal/config"
)

// warnLogger returns the logger of commands whose output is for people: it logs warnings and
// errors.
func warnLogger(p *program) *slog.Logger {
	return slog.New(slog.NewTextHandler(p.stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// newLog returns the logger of the server.
func newLog(c config.Config, to io.Writer) *slog.Logger {
	options := &slog.HandlerOptions{Level: c.LogLevel}
	if logsJSON(c, to) {
		options.ReplaceAttr = durationsAsText
		return slog.New(slog.NewJSONHandler(to, options))
	}
	return slog.New(slog.NewTextHandler(to, options))
}

// logsJSON reports whether the log is written as JSON, for programs.
func logsJSON(c config.Config, to io.Writer) bool {
	return c.LogFormat == config.LogJSON || c.LogFormat == config.LogAuto && !isTerminal(to)
}

// durationsAsText formats a duration like 1m30s: slog's JSON would print nanoseconds without a
// unit.
func durationsAsText(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindDuration {
		a.Value = slog.StringValue(a.Value.Duration().String())
	}
	return a
}
