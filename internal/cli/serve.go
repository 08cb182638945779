package cli

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"barong/handlers"
	"barong/internal/auth"
	"barong/internal/config"
	"barong/internal/identity"
	"barong/internal/jws"
	"barong/internal/otp"
	"barong/internal/server"
	"barong/repository"
)

type serveCommand struct{}

func (serveCommand) Help() string {
	return `Without DATABASE_URL a private Postgres runs under the data directory. Without BARONG_MANAGEMENT_API, and on a
loopback address only, a signer for development is made there too. SIGTERM drains and ends, SIGHUP reads the files of
the keychain and of the certificates again.

Example:
  BARONG_LISTEN=127.0.0.1:8080 barong serve`
}

// watchFiles is how often the keychain's and the certificates' files are looked at
// for a change.
const watchFiles = 2 * time.Second

func (serveCommand) Run(p *program) error {
	settings, err := config.Read()
	if err != nil {
		return err
	}
	go func() { _, _ = server.Specification() }() // while the database is being opened; server.New has the error
	log := newLog(settings, p.stderr)
	warnOfStrayNames(settings, log)
	policy, err := readPolicy(settings)
	if err != nil {
		return err
	}
	uidPrefix, err := identity.ParseUIDPrefix(settings.UIDPrefix)
	if err != nil {
		return fmt.Errorf("BARONG_UID_PREFIX: %w", err)
	}
	if err := makeDataDir(settings); err != nil {
		return err
	}
	if settings.ManagementAPI != "" && settings.DatabaseURL == "" {
		log.Warn("BARONG_MANAGEMENT_API is set and DATABASE_URL is not: users are kept in a private Postgres, which is for development",
			"directory", postgresDir(settings))
	}
	self, err := openSigner(settings, log)
	if err != nil {
		return err
	}
	publicKeys, err := jws.PublicKeys(self)
	if err != nil {
		return err
	}
	keychain, signer, err := openKeychain(settings, log)
	if err != nil {
		return err
	}
	certificates, err := openCertificates(settings, log)
	if err != nil {
		return err
	}
	rates, err := server.ParseRateLimits(settings.RateLimits, keychain.Keychain())
	if err != nil {
		return fmt.Errorf("BARONG_RATE_LIMITS: %w", err)
	}
	ctx, cancel := untilSignal()
	defer cancel()
	files := []reloaded{keychain}
	if certificates != nil {
		files = append(files, certificates)
	}
	reloadOnHangup(ctx, files)

	warnOfPlainVault(settings, log)
	if err := makeOTPKey(settings, log); err != nil {
		return err
	}
	codes, closeOTP, err := openOTP(ctx, settings)
	if err != nil {
		return err
	}
	defer closeOTP()

	// Listening first: who finds the port taken need not wait for a database.
	public, supervision, err := listen(ctx, settings)
	if err != nil {
		return err
	}
	defer public.Close()
	defer supervision.Close()
	registry, err := newRegistry()
	if err != nil {
		return err
	}
	if certificates != nil {
		watchCertificates(registry, certificates)
	}
	admin := server.OpenAdmin(supervision, exposition(registry, log), log)
	defer func() { _ = admin.Close() }()

	traces, err := openTracing(ctx, settings, log)
	if err != nil {
		return err
	}
	defer traces.close(log)
	pool, stop, err := openDatabase(ctx, settings, log, repository.Timeouts(settings.Timeout), traces.statements)
	if err != nil {
		return err
	}
	defer stop()
	if err := migrate(ctx, p, pool, log); err != nil {
		return err
	}
	check, stopCheck, err := watchDatabase(registry, pool)
	if err != nil {
		return err
	}
	defer stopCheck()
	if err := firstCheck(ctx, check); err != nil {
		log.Warn("not ready", "error", err)
	}
	storage, err := openServerStorage(ctx, settings, ownURL(settings, public.Addr()), log)
	if err != nil {
		return err
	}
	defer func() { _ = storage.Close() }()

	repo := repository.New(pool)
	operations := &handlers.Handlers{
		Repository: repo,
		Documents:  storage,
		Policy:     policy,
		Passwords:  handlers.NewPasswords(settings.BcryptCost),
		UIDPrefix:  uidPrefix,
		OTP:        &otp.Verifier{Backend: codes(repo), Attempts: repo, Observe: countOTP(registry)},
		Signer:     self,
		Clock:      time.Now,
	}
	watchPasswords(registry, operations.Passwords)
	connections := server.NewConnections(connectionLimit(settings, log), settings.InFlight, registry)
	// Secrets are shown on a terminal only, and what nobody is shown is not made.
	forPerson := isTerminal(p.stderr) && !logsJSON(settings, p.stderr)
	docsKey := ""
	if settings.Docs && signer != nil && forPerson {
		docsKey = rand.Text()
	}
	handler, err := server.New(server.Options{
		Operations: operations,
		Document:   operations.ServeDocument,
		Keychain:   keychain,
		Log:        log,
		Clock:      time.Now,
		BodyLimit:  settings.BodyLimit,
		BodyMemory: settings.BodyMemory,
		InFlight:   settings.InFlight,
		Downloads:  settings.Downloads,
		Timeout:    settings.Timeout,

		Connections: connections,
		Timeouts:    server.DefaultTimeouts,
		Rates:       rates,
		Spec:        p.spec,
		PublicURL:   settings.PublicURL,
		Docs:        docs(settings, signer, docsKey),
		PublicKeys:  publicKeys,
		Metrics:     registry,
		Tracer:      traces.requests(),
	})
	if err != nil {
		return err
	}
	defer reserveHeap()()
	go settle(ctx)
	go keepEmailKeys(ctx, repo, log)
	warnMisspeltRules(settings.BarongConfig, log)
	go warnOverlooked(ctx, repo, policy, log)
	for _, each := range files {
		go each.Watch(ctx, watchFiles)
	}
	where := placesOf(settings, public.Addr(), supervision.Addr(), signer != nil)
	if err := where.announce(p.stderr, log, logsJSON(settings, p.stderr)); err != nil {
		return err
	}
	if signer != nil {
		if err := signer.greet(p.stderr, log, forPerson, ownURL(settings, public.Addr()), docsKey); err != nil {
			return err
		}
	}
	life := server.Life{
		Public: public, Bound: connections, TLS: certificates, Admin: admin, Handler: handler, Check: check, Timeouts: server.DefaultTimeouts, Timeout: settings.Timeout,
		Delay: settings.DrainDelay, Drain: settings.DrainTimeout, Log: log,
	}
	return life.Serve(ctx)
}

// docs is the documentation for the browser; nil where the settings have none.
// Only a server that made its own signer, on a loopback address, gives tokens, and
// for the key only.
func docs(c config.Config, signer *development, key string) *server.Docs {
	switch {
	case !c.Docs:
		return nil
	case signer == nil:
		return &server.Docs{}
	default:
		return &server.Docs{Token: signer.docsToken, Key: key}
	}
}

func migrate(ctx context.Context, p *program, pool *pgxpool.Pool, log *slog.Logger) error {
	applied, err := repository.Migrate(ctx, pool, quiet(p))
	for _, step := range applied {
		log.Info("schema migrated", "step", step.Name)
	}
	return err
}

// openKeychain reads the keychain file. Where the settings name none, it makes a
// signer for development, which is nil otherwise.
func openKeychain(c config.Config, log *slog.Logger) (*auth.Source, *development, error) {
	document, err := server.Specification()
	if err != nil {
		return nil, nil, err
	}
	declared := declaredOperations(document)
	if c.ManagementAPI != "" {
		source, err := auth.NewSource(c.ManagementAPI, log, declared...)
		if err != nil {
			return nil, nil, fmt.Errorf("BARONG_MANAGEMENT_API: %w", err)
		}
		return source, nil, nil
	}
	if !c.Loopback() {
		return nil, nil, errors.New("BARONG_MANAGEMENT_API is empty: without a keychain this server listens on a loopback address only, and BARONG_LISTEN is another")
	}
	signer, err := openDevelopment(c.DataDir)
	if err != nil {
		return nil, nil, err
	}
	source, err := auth.NewSource(signer.keychainFile(), log, declared...)
	return source, &signer, err
}
