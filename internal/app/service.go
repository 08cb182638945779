package app

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"

	"barong/clients/go/signing"
	"barong/generated"
	"barong/handlers"
	"barong/internal/auth"
	"barong/internal/config"
	"barong/internal/documents"
	"barong/internal/identity"
	"barong/internal/jws"
	"barong/internal/keys"
	"barong/internal/otp"
	"barong/internal/server"
	"barong/repository"
)

// Service holds the dependencies of the request handler. All are required unless marked
// otherwise.
type Service struct {
	Settings  config.Config // limits, timeouts, bcrypt cost, public URL
	Policy    identity.Policy
	UIDPrefix string // prefix of the UIDs of new users
	Repo      *repository.Repository
	Documents *documents.Store
	OTP       otp.Backend
	Signer    *signing.Signer // the server's own signer
	Keychain  *auth.Source
	Rates     *server.RateLimits // nil: no rate limits
	Docs      *server.Docs       // nil: no page /docs
	Log       *slog.Logger
	Clock     func() time.Time

	APIKeys *keys.Sealer // encrypts the secrets of API keys; nil: the settings allow no keys

	Connections *server.Connections  // of the listener; nil: unlimited
	Metrics     *prometheus.Registry // nil: no metrics are exported
	Tracer      trace.Tracer         // nil: no tracing
}

// Handler builds the handler of the public listener: operations behind the gate, documents,
// /docs and the public keys. A missing dependency is an error.
func (s Service) Handler() (http.Handler, error) {
	publicKeys, err := jws.PublicKeys(s.Signer)
	if err != nil {
		return nil, err
	}
	registry := s.Metrics
	if registry == nil {
		registry = prometheus.NewRegistry()
	}
	verifier, err := otp.NewVerifier(s.OTP, s.Repo, countOTP(registry))
	if err != nil {
		return nil, err
	}
	passwords := handlers.NewPasswords(s.Settings.BcryptCost)
	watchPasswords(registry, passwords)
	operations, err := handlers.New(handlers.Options{
		Repo: s.Repo, Documents: s.Documents, Policy: s.Policy, Passwords: passwords, UIDPrefix: s.UIDPrefix,
		OTP: verifier, Signer: s.Signer, Clock: s.Clock,
		KeyHolders: repository.KeyHolders{Users: s.Settings.APIKeysUser, Accounts: s.Settings.APIKeysSA}, APIKeys: s.APIKeys,
		OnKey: countKeys(registry, s.Log),
	})
	if err != nil {
		return nil, err
	}
	return server.New(server.Options{
		Operations: operations,
		Document:   operations.ServeDocument,
		Once:       operations.Once,
		Writes:     writes(s.Settings),
		Keychain:   s.Keychain,
		Log:        s.Log,
		Clock:      s.Clock,
		BodyLimit:  s.Settings.BodyLimit,
		BodyMemory: s.Settings.BodyMemory,
		InFlight:   s.Settings.InFlight,
		Downloads:  s.Settings.Downloads,
		Timeout:    s.Settings.Timeout,

		Connections: s.Connections,
		Timeouts:    server.DefaultTimeouts,
		Rates:       s.Rates,
		Spec:        generated.Spec,
		PublicURL:   s.Settings.PublicURL,
		Docs:        s.Docs,
		PublicKeys:  publicKeys,
		Metrics:     registry,
		Tracer:      s.Tracer,
	})
}
