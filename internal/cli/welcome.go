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

// places are where a server answers, and how to try it.
type places struct {
	api, docs, admin string // URLs; docs is empty where they are off
	try              string // a command that works as it stands; empty where it needs a key that is not here
}

// placesOf are those of a server. Only a signer for development is
// at hand for a command.
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

// The defaults of barong call, and of the settings that it shares with the server.
const (
	defaultServer  = "http://127.0.0.1:8080"
	defaultDataDir = "data"
)

// reach are the options with which a command finds a server, and its signer, that are
// not where the defaults are.
func reach(c config.Config, root string) (options []string) {
	if root != defaultServer {
		options = append(options, "--server", root)
	}
	if c.DataDir != defaultDataDir {
		options = append(options, "--data-dir", shellQuoted(c.DataDir))
	}
	return options
}

// programName is how this program was called, for commands to copy.
func programName() string {
	if name := os.Args[0]; strings.ContainsRune(name, os.PathSeparator) {
		return shellQuoted(name)
	}
	return "barong"
}

// shellQuoted is text as a shell takes it for one word.
func shellQuoted(text string) string {
	if text != "" && !strings.ContainsFunc(text, func(r rune) bool { return !strings.ContainsRune(plainInShells, r) }) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

const plainInShells = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=@%+,"

// announce says where the server answers: to a person in a few lines, to a program in
// one line of the log.
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
