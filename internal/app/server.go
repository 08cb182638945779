package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"barong/internal/auth"
	"barong/internal/config"
	"barong/internal/identity"
	"barong/internal/otp"
	"barong/internal/rabbitmq"
	"barong/internal/server"
	"barong/internal/webhooks/endpoints"
	"barong/repository"
)

// ServerOptions are options that are not settings.
type ServerOptions struct {
	// ShowSecrets is set if a person reads the server's output. Only then does a server with a
	// development signer issue tokens to the page /docs, in exchange for DocsKey.
	ShowSecrets bool
	// CommandLog receives the warnings of migrations, for a person.
	CommandLog *slog.Logger
}

// Server is everything that barong serve runs. [Server.Serve] serves requests.
type Server struct {
	App
	Development *Development // nil if a keychain is configured
	DocsKey     string       // lets the page /docs obtain a token; empty: it gets none

	options      ServerOptions
	service      Service
	certificates *server.Certificates // nil: plain HTTP
	reloaders    []reloader
	backend      func(*repository.Repository) otp.Backend
	public       net.Listener
	supervision  net.Listener
	registry     *prometheus.Registry
	admin        *server.Admin
	traces       *tracing
	events       *rabbitmq.Publisher // nil: no broker is configured
	endpoints    *endpoints.Source   // nil: BARONG_WEBHOOKS is empty
	check        func(context.Context) error
	handler      http.Handler
	sealer       *sealer
}

// OpenServer opens the parts in the order in which their errors should be reported: files
// first, then the listeners, so that a port in use is reported before the wait for the
// database, then the database. The admin listener already reports its readiness during the
// migration. ctx ends the background work.
func OpenServer(ctx context.Context, settings config.Config, log *slog.Logger, o ServerOptions) (*Server, error) {
	s := &Server{App: App{Settings: settings, Log: log}, options: o}
	s.service = Service{Settings: settings, Log: log, Clock: time.Now}
	for _, open := range []func(context.Context) error{
		s.openPolicy, s.openDataDir, s.openSigners, s.checkEvents, s.openEndpoints, s.openCertificates, s.openOTPKey, s.openAPIKeysKey,
		s.openListeners, s.openTracing, s.openMigratedDatabase, s.openDocuments, s.openSealer, s.openHandler, s.openEvents,
	} {
		if err := open(ctx); err != nil {
			s.Close()
			return nil, err
		}
	}
	return s, nil
}

func (s *Server) openPolicy(context.Context) (err error) {
	go func() { _, _ = server.Specification() }() // parses in the background while files are read; Service.Handler reports the error
	if s.service.Policy, err = s.Settings.Policy(); err != nil {
		return err
	}
	if s.service.UIDPrefix, err = identity.ParseUIDPrefix(s.Settings.UIDPrefix); err != nil {
		return fmt.Errorf("BARONG_UID_PREFIX: %w", err)
	}
	return nil
}

func (s *Server) openDataDir(context.Context) error {
	if err := makeDataDir(s.Settings); err != nil {
		return err
	}
	if s.Settings.KeychainPath != "" && s.Settings.DatabaseURL == "" {
		s.Log.Warn("BARONG_MANAGEMENT_API is set and DATABASE_URL is not: users are kept in a private Postgres, which is for development",
			"directory", PostgresDir(s.Settings))
	}
	return nil
}

// openSigners loads the server's own signing key and the keychain of the clients.
func (s *Server) openSigners(context.Context) (err error) {
	if s.service.Signer, err = OpenSigner(s.Settings, s.Log); err != nil {
		return err
	}
	if s.service.Keychain, s.Development, err = openKeychain(s.Settings, s.Log); err != nil {
		return err
	}
	s.reloaders = append(s.reloaders, s.service.Keychain)
	if s.service.Rates, err = server.ParseRateLimits(s.Settings.RateLimits, s.service.Keychain.Keychain()); err != nil {
		return fmt.Errorf("BARONG_RATE_LIMITS: %w", err)
	}
	return nil
}

func (s *Server) openCertificates(ctx context.Context) (err error) {
	if s.certificates, err = OpenCertificates(s.Settings, s.Log); err != nil {
		return err
	}
	if s.certificates != nil {
		s.reloaders = append(s.reloaders, s.certificates)
	}
	reloadOnHangup(ctx, s.reloaders)
	return nil
}

// openOTPKey opens the key of the one-time secrets. An unusable key is thus reported before
// the wait for the database.
func (s *Server) openOTPKey(ctx context.Context) error {
	warnOfPlainVault(s.Settings, s.Log)
	warnOfEventsWithoutJournal(s.Settings, s.Log)
	if err := makeOTPKey(s.Settings, s.Log); err != nil {
		return err
	}
	backend, release, err := openOTP(ctx, s.Settings)
	if err != nil {
		return err
	}
	s.onClose(release)
	s.backend = backend
	return nil
}

// openAPIKeysKey opens the key of the secrets of API keys if the settings allow any or name it.
func (s *Server) openAPIKeysKey(ctx context.Context) error {
	if !s.Settings.APIKeysUser && !s.Settings.APIKeysSA && s.Settings.APIKeysKey == "" {
		return nil
	}
	if err := makeAPIKeysKey(s.Settings, s.Log); err != nil {
		return err
	}
	sealer, err := s.OpenAPIKeys(ctx)
	s.service.APIKeys = sealer
	return err
}

func (s *Server) openListeners(ctx context.Context) (err error) {
	if s.public, s.supervision, err = listen(ctx, s.Settings); err != nil {
		return err
	}
	s.onClose(func() { _ = s.public.Close() })
	s.onClose(func() { _ = s.supervision.Close() })
	if s.registry, err = newRegistry(); err != nil {
		return err
	}
	s.service.Metrics = s.registry
	if s.certificates != nil {
		watchCertificates(s.registry, s.certificates)
	}
	s.admin = server.OpenAdmin(s.supervision, exposition(s.registry, s.Log), s.Log)
	s.onClose(func() { _ = s.admin.Close() })
	return nil
}

func (s *Server) openTracing(ctx context.Context) (err error) {
	if s.traces, err = openTracing(ctx, s.Settings, s.Log); err != nil {
		return err
	}
	s.onClose(func() { s.traces.close(s.Log) })
	s.service.Tracer = s.traces.requests()
	return nil
}

func (s *Server) openMigratedDatabase(ctx context.Context) error {
	if err := s.openDatabase(ctx, repository.Timeouts(s.Settings.Timeout), s.traces.statements); err != nil {
		return err
	}
	applied, err := repository.Migrate(ctx, s.Pool, s.options.CommandLog)
	for _, step := range applied {
		s.Log.Info("schema migrated", "step", step.Name)
	}
	if err != nil {
		return err
	}
	var stopCheck func()
	if s.check, stopCheck, err = watchDatabase(s.registry, s.Pool); err != nil {
		return err
	}
	s.onClose(stopCheck)
	if err := firstCheck(ctx, s.check); err != nil {
		s.Log.Warn("not ready", "error", err)
	}
	s.service.Repo, s.service.OTP = s.Repo, s.backend(s.Repo)
	return nil
}

// openDocuments runs after openListeners: without BARONG_PUBLIC_URL, document URLs contain the
// listener's address.
func (s *Server) openDocuments(ctx context.Context) (err error) {
	if s.service.Documents, err = openServerStorage(ctx, s.Settings, s.URL(), s.Log); err != nil {
		return err
	}
	s.onClose(func() { _ = s.service.Documents.Close() })
	return nil
}

func (s *Server) openHandler(context.Context) (err error) {
	s.service.Connections = server.NewConnections(connectionLimit(s.Settings, s.Log), s.Settings.InFlight, s.registry)
	if s.Settings.Docs && s.Development != nil && s.options.ShowSecrets {
		s.DocsKey = rand.Text()
	}
	s.service.Docs = docs(s.Settings, s.Development, s.DocsKey)
	if s.service.Docs != nil {
		s.service.Docs.Section = s.service.Policy.Rules()
	}
	s.handler, err = s.service.Handler()
	return err
}

// docs returns the configuration of the documentation page, or nil if it is disabled. Only a
// server with a development signer, on a loopback address, issues tokens, and only in exchange
// for the key.
func docs(c config.Config, signer *Development, key string) *server.Docs {
	switch {
	case !c.Docs:
		return nil
	case signer == nil:
		return &server.Docs{}
	default:
		return &server.Docs{Token: signer.docsToken, Key: key}
	}
}

// URL returns the base URL of the public listener. It contains the host name of the machine if
// the listener accepts connections on all addresses.
func (s *Server) URL() string {
	return addressURL(scheme(s.Settings), s.public.Addr())
}

// AdminURL returns the base URL of the admin listener.
func (s *Server) AdminURL() string { return addressURL("http://", s.supervision.Addr()) }

// watchInterval is the interval at which the keychain and certificate files are checked for
// changes.
const watchInterval = 2 * time.Second

// Serve serves requests until ctx ends, then drains. The background work ends with ctx too.
func (s *Server) Serve(ctx context.Context) error {
	defer ballast()()
	go keepEmailKeys(ctx, s.Repo, s.Log)
	go sweepKeys(ctx, s.Repo, s.Log)
	warnMisspeltRules(s.Settings.RulesPath, s.Log)
	go s.WarnOverlooked(ctx, s.service.Policy)
	defer s.publishEvents(ctx)()
	defer s.deliverWebhooks(ctx)()
	for _, each := range s.reloaders {
		go each.Watch(ctx, watchInterval)
	}
	defer s.keepJournal(ctx)()
	return server.Runner{
		Public: s.public, Bound: s.service.Connections, TLS: s.certificates, Admin: s.admin, Handler: s.handler, Check: s.check,
		Timeouts: server.DefaultTimeouts, Timeout: s.Settings.Timeout, Delay: s.Settings.DrainDelay, Drain: s.Settings.DrainTimeout, Log: s.Log,
	}.Serve(ctx)
}

// openKeychain loads the keychain file. If none is configured, it creates and returns a
// development signer, which is nil otherwise.
func openKeychain(c config.Config, log *slog.Logger) (*auth.Source, *Development, error) {
	document, err := server.Specification()
	if err != nil {
		return nil, nil, err
	}
	declared := declaredOperations(document)
	if c.KeychainPath != "" {
		source, err := auth.NewSource(c.KeychainPath, log, declared...)
		if err != nil {
			return nil, nil, fmt.Errorf("BARONG_MANAGEMENT_API: %w", err)
		}
		logExtendedScopes(source.Keychain(), log)
		return source, nil, nil
	}
	if !c.Loopback() {
		return nil, nil, errors.New("BARONG_MANAGEMENT_API is empty: without a keychain this server listens on a loopback address only, and BARONG_LISTEN is another")
	}
	signer, err := openDevelopment(c.DataDir)
	if err != nil {
		return nil, nil, err
	}
	source, err := auth.NewSource(signer.KeychainFile(), log, declared...)
	return source, &signer, err
}
