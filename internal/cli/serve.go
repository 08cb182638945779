package cli

import (
	"barong/internal/app"
	"barong/internal/config"
)

type serveCommand struct{}

func (serveCommand) Help() string {
	return `Without DATABASE_URL a private Postgres runs under the data directory. Without BARONG_MANAGEMENT_API, and on a
loopback address only, a signer for development is made there too. SIGTERM drains and ends, SIGHUP reads the files of
the keychain and of the certificates again.

Example:
  BARONG_LISTEN=127.0.0.1:8080 barong serve`
}

func (serveCommand) Run(p *program) error {
	settings, err := config.Read()
	if err != nil {
		return err
	}
	log := newLog(settings, p.stderr)
	warnOfStrayNames(settings, log)
	ctx, cancel := signalContext()
	defer cancel()
	asJSON := logsJSON(settings, p.stderr)
	forPerson := isTerminal(p.stderr) && !asJSON
	server, err := app.OpenServer(ctx, settings, log, app.ServerOptions{Spec: p.spec, ShowSecrets: forPerson, CommandLog: warnLogger(p)})
	if err != nil {
		return err
	}
	defer server.Close()
	if err := placesOf(server).announce(p.stderr, log, asJSON); err != nil {
		return err
	}
	if server.Development != nil {
		if err := printDevHint(p.stderr, log, forPerson, server); err != nil {
			return err
		}
	}
	return server.Serve(ctx)
}
