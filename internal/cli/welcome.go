package cli

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"text/tabwriter"

	"barong/handlers"
	"barong/internal/app"
	"barong/internal/config"
	"barong/internal/server"
)

// places are the URLs of a server, and a command to try it.
type places struct {
	api, docs, admin string // URLs; docs is empty if the page is disabled
	try              string // a command to copy; empty if it would need a key that is not available
}

// placesOf returns the places of a server. Only the key of a development signer is available to a
// command.
func placesOf(s *app.Server) places {
	root := s.URL()
	p := places{api: root + handlers.BasePath, admin: s.AdminURL()}
	if s.Settings.Docs {
		p.docs = root + server.DocsPath
	}
	if s.Development != nil {
		p.try = strings.Join(append([]string{programName(), "call", "listUsers", "limit=10"}, reach(s.Settings, root)...), " ")
	}
	return p
}

// Defaults of barong call, and of the settings that it shares with the server.
const (
	defaultServer  = "http://127.0.0.1:8080"
	defaultDataDir = "data"
)

// reach returns the options that a command needs to find a server and its signer where they
// differ from the defaults.
func reach(c config.Config, root string) (options []string) {
	if root != defaultServer {
		options = append(options, "--server", root)
	}
	if c.DataDir != defaultDataDir {
		options = append(options, "--data-dir", shellQuoted(c.DataDir))
	}
	return options
}

// programName returns the name of this program for commands to copy.
func programName() string {
	if name := os.Args[0]; strings.ContainsRune(name, os.PathSeparator) {
		return shellQuoted(name)
	}
	return "barong"
}

// shellQuoted quotes a text as one word of a shell.
func shellQuoted(text string) string {
	if text != "" && !strings.ContainsFunc(text, func(r rune) bool { return !strings.ContainsRune(plainInShells, r) }) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

const plainInShells = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=@%+,"

// announce prints where the server listens: as a few lines on a terminal, as one log line in
// JSON format.
func (p places) announce(to io.Writer, log *slog.Logger, asJSON bool) error {
	if asJSON {
		log.Info("serving", "version", productVersion(), "api", p.api, "docs", p.docs, "admin", p.admin)
		return nil
	}
	fmt.Fprintf(to, "\nbarong %s\n\n", productVersion())
	table := tabwriter.NewWriter(to, 0, 0, 3, ' ', 0)
	fmt.Fprintf(table, "  API\t%s\n", p.api)
	if p.docs != "" {
		fmt.Fprintf(table, "  docs\t%s\n", p.docs)
	}
	fmt.Fprintf(table, "  admin\t%s/readyz, /healthz, /metrics\n", p.admin)
	if p.try != "" {
		fmt.Fprintf(table, "  try\t%s\n", p.try)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintln(to)
	return err
}
