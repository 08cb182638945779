package app

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"

	"barong/clients/go/signing"
	"barong/handlers"
	"barong/internal/auth"
	"barong/internal/config"
	"barong/internal/documents"
	"barong/internal/identity"
	"barong/internal/jws"
	"barong/internal/otp"
	"barong/internal/server"
	"barong/repository"
)

// Service is the parts that requests are served from. Those that may be nil say so.
type Service struct {
	Settings  config.Config // limits, time-outs, the cost of hashes, the public URL
	Policy    identity.Policy
	UIDPrefix string // of new users
	Repo      *repository.Repository
	Documents *documents.Store
	OTP       otp.Backend
	Signer    *signing.Signer // the server itself, which signs for others
	Keychain  *auth.Source
	Rates     *server.RateLimits // nil: signers may call as often as they like
	Spec      []byte             // openapi.yaml as it is served
	Docs      *server.Docs       // nil: there is no page /docs
	Log       *slog.Logger
	Clock     func() time.Time

	Connections *server.Connections  // of the listener; nil: they have no bound
	Metrics     *prometheus.Registry // nil: nothing is exposed
	Tracer      trace.Tracer         // nil: nothing is traced
}

// Handler wires the parts: operations behind the gate, documents, /docs and the
// public keys. A part that is missing is an error.
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
	})
	if err != nil {
		return nil, err
	}
	return server.New(server.Options{
		Operations: operations,
		Document:   operations.ServeDocument,
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
		Spec:        s.Spec,
		PublicURL:   s.Settings.PublicURL,
		Docs:        s.Docs,
		PublicKeys:  publicKeys,
		Metrics:     registry,
		Tracer:      s.Tracer,
	})
}
