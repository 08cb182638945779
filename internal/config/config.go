// Package config reads the server's settings from the environment. An environment without settings
// suits development.
package config

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/url"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"
)

// Config holds every setting. docs/configuration.md describes them; a test compares both. A setting
// that is tagged as secret may be in a file (secrets.go).
type Config struct {
	Listen            string        `env:"BARONG_LISTEN" envDefault:"127.0.0.1:8080"`
	AdminListen       string        `env:"BARONG_ADMIN_LISTEN" envDefault:"127.0.0.1:9080"`
	TLSCert           string        `env:"BARONG_TLS_CERT"`
	TLSKey            string        `env:"BARONG_TLS_KEY"`
	TLSClientCA       string        `env:"BARONG_TLS_CLIENT_CA"`
	DatabaseURL       string        `env:"DATABASE_URL" secret:"true"`
	DataDir           string        `env:"BARONG_DATA_DIR" envDefault:"data"`
	KeychainPath      string        `env:"BARONG_MANAGEMENT_API"`
	RulesPath         string        `env:"BARONG_CONFIG"`
	UIDPrefix         string        `env:"BARONG_UID_PREFIX" envDefault:"ID"`
	PhoneCountry      string        `env:"BARONG_PHONE_COUNTRY"`
	JWTPrivateKeyPath string        `env:"JWT_PRIVATE_KEY_PATH"`
	OTPBackend        string        `env:"BARONG_OTP_BACKEND" envDefault:"postgres"`
	OTPKey            string        `env:"BARONG_OTP_KEY" secret:"true"`
	OTPIssuer         string        `env:"BARONG_OTP_ISSUER" envDefault:"Barong"`
	APIKeysKey        string        `env:"BARONG_API_KEYS_KEY" secret:"true"`
	APIKeysOldKey     string        `env:"BARONG_API_KEYS_OLD_KEY" secret:"true"`
	APIKeysUser       bool          `env:"BARONG_MGN_API_KEYS_USER" envDefault:"false"`
	APIKeysSA         bool          `env:"BARONG_MGN_API_KEYS_SA" envDefault:"false"`
	VaultAddress      string        `env:"VAULT_ADDR"`
	VaultToken        string        `env:"VAULT_TOKEN"`
	VaultTokenFile    string        `env:"VAULT_TOKEN_FILE"`
	VaultPrefix       string        `env:"VAULT_APP_NAME"`
	Docs              bool          `env:"BARONG_DOCS" envDefault:"true"`
	LogLevel          slog.Level    `env:"BARONG_LOG_LEVEL" envDefault:"info"`
	LogFormat         string        `env:"BARONG_LOG_FORMAT" envDefault:"auto"`
	OTLPEndpoint      string        `env:"OTEL_EXPORTER_OTLP_ENDPOINT"`
	BodyLimit         int64         `env:"BARONG_BODY_LIMIT" envDefault:"16777216"`
	Timeout           time.Duration `env:"BARONG_REQUEST_TIMEOUT" envDefault:"30s"`
	DrainDelay        time.Duration `env:"BARONG_DRAIN_DELAY" envDefault:"0s"`
	DrainTimeout      time.Duration `env:"BARONG_DRAIN_TIMEOUT" envDefault:"30s"`
	BcryptCost        int           `env:"BARONG_BCRYPT_COST" envDefault:"12"`
	PostgresBin       string        `env:"BARONG_PG_BIN"`
	PostgresMirror    string        `env:"BARONG_PG_MIRROR" envDefault:"https://registry.npmjs.org"`

	BodyMemory             int64         `env:"BARONG_BODY_MEMORY" envDefault:"268435456"`
	InFlight               int           `env:"BARONG_MAX_IN_FLIGHT" envDefault:"512"`
	Connections            int           `env:"BARONG_MAX_CONNECTIONS" envDefault:"512"`
	Downloads              int           `env:"BARONG_MAX_DOWNLOADS" envDefault:"32"`
	RateLimits             string        `env:"BARONG_RATE_LIMITS"`
	StorageURL             string        `env:"BARONG_STORAGE_URL" secret:"true"`
	StorageURLTTL          time.Duration `env:"BARONG_STORAGE_URL_TTL" envDefault:"1m"`
	StorageSigningKey      string        `env:"BARONG_STORAGE_SIGNING_KEY" secret:"true"`
	PublicURL              string        `env:"BARONG_PUBLIC_URL"`
	DocumentsKey           string        `env:"BARONG_DOCUMENTS_KEY" secret:"true"`
	JournalSigningKey      string        `env:"BARONG_JOURNAL_SIGNING_KEY" secret:"true"`
	JournalCheckpoints     string        `env:"BARONG_JOURNAL_CHECKPOINTS" secret:"true"`
	JournalKeep            int           `env:"BARONG_JOURNAL_KEEP" envDefault:"0"`
	Journal                string        `env:"BARONG_JOURNAL" envDefault:"on"`
	JournalProof           string        `env:"BARONG_JOURNAL_PROOF" envDefault:"signatures"`
	Idempotency            string        `env:"BARONG_IDEMPOTENCY"`
	IdempotencyRequire     bool          `env:"BARONG_IDEMPOTENCY_REQUIRE" envDefault:"false"`
	DocumentExpiryRequired bool          `env:"REQUIRED_DOCS_EXPIRE" envDefault:"false"`

	EventsAMQPURL      string        `env:"BARONG_EVENTS_AMQP_URL" secret:"true"`
	EventsAMQPDurable  bool          `env:"BARONG_EVENTS_AMQP_DURABLE" envDefault:"false"`
	EventsAMQPRequired []string      `env:"BARONG_EVENTS_AMQP_REQUIRED"`
	EventsAMQPExpiry   time.Duration `env:"BARONG_EVENTS_AMQP_EXPIRY" envDefault:"1h"`
	Webhooks           string        `env:"BARONG_WEBHOOKS"`
}

// The values of BARONG_OTP_BACKEND.
const (
	OTPPostgres = "postgres"
	OTPVault    = "vault"
)

// The values of BARONG_LOG_FORMAT.
const (
	LogAuto = "auto" // LogText on a terminal, LogJSON elsewhere
	LogJSON = "json"
	LogText = "text"
)

// The values of BARONG_JOURNAL, BARONG_JOURNAL_PROOF and BARONG_IDEMPOTENCY.
const (
	On              = "on"
	Off             = "off"
	ProofSignatures = "signatures"
	ProofNone       = "none"
	Observe         = "observe"
)

// Read reads the settings from the environment of the process and checks them. The error names the
// invalid settings and the reasons. It contains no value of a setting, because a value may be a
// secret, even one in the wrong setting.
func Read() (Config, error) {
	var c Config
	environment, err := withAliases(env.ToMap(os.Environ()))
	if err == nil {
		environment, err = withSecretsOfFiles(environment)
	}
	if err != nil {
		return c, fmt.Errorf("settings: %w", err)
	}
	if err := exportKeys(environment); err != nil {
		return c, fmt.Errorf("settings: %w", err)
	}
	if err := env.ParseWithOptions(&c, env.Options{Environment: environment}); err != nil {
		return c, fmt.Errorf("settings: %w", namesFirst(err))
	}
	if err := c.Validate(); err != nil {
		return c, fmt.Errorf("settings: %w", err)
	}
	return c, nil
}

// namesFirst returns an error that names the variable; the library names the field of the struct
// and quotes the value.
func namesFirst(err error) error {
	var all env.AggregateError
	if !errors.As(err, &all) {
		return err
	}
	named := make([]error, len(all.Errors))
	for i, each := range all.Errors {
		named[i] = each
		var broken env.ParseError
		if errors.As(each, &broken) {
			field, _ := reflect.TypeFor[Config]().FieldByName(broken.Name)
			named[i] = fmt.Errorf("%s cannot be read as %s", field.Tag.Get("env"), broken.Type)
		}
	}
	return errors.Join(named...)
}

// maxBodyLimit is far above what any operation needs, in bytes.
const maxBodyLimit = 64 << 20

// maxStorageURLTTL is the longest validity of a URL that S3 signs.
const maxStorageURLTTL = 7 * 24 * time.Hour

// Validate returns what is wrong with the settings, and nil where all are valid. The package that
// uses a setting checks its content, such as a keychain, a prefix or a key.
func (c Config) Validate() error {
	var wrong []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			wrong = append(wrong, fmt.Errorf(format, args...))
		}
	}
	address := func(name, address string) {
		_, err := net.ResolveTCPAddr("tcp", address)
		check(err == nil, "%s must be host:port, as 127.0.0.1:8080", name)
	}
	file := func(name, path string) {
		if path != "" {
			_, err := os.Stat(path)
			check(err == nil, "%s names a file that cannot be read: %w", name, withoutPath(err))
		}
	}
	address("BARONG_LISTEN", c.Listen)
	address("BARONG_ADMIN_LISTEN", c.AdminListen)
	check(c.Listen != c.AdminListen || strings.HasSuffix(c.Listen, ":0"), "BARONG_LISTEN and BARONG_ADMIN_LISTEN must differ")
	check(c.DataDir != "", "BARONG_DATA_DIR must not be empty")
	check(c.LogFormat == LogAuto || c.LogFormat == LogJSON || c.LogFormat == LogText, "BARONG_LOG_FORMAT must be %s, %s or %s", LogAuto, LogJSON, LogText)
	if c.OTLPEndpoint != "" {
		_, ok := webURL(c.OTLPEndpoint)
		check(ok, "OTEL_EXPORTER_OTLP_ENDPOINT must be a URL without user and password, as http://127.0.0.1:4318")
	}
	check(c.BodyLimit >= 1<<10 && c.BodyLimit <= maxBodyLimit, "BARONG_BODY_LIMIT must be 1024 to %d bytes", maxBodyLimit)
	check(c.Timeout > 0, "BARONG_REQUEST_TIMEOUT must be positive, as 30s")
	check(c.DrainDelay >= 0, "BARONG_DRAIN_DELAY must not be negative")
	check(c.DrainTimeout > 0, "BARONG_DRAIN_TIMEOUT must be positive, as 30s")
	check(c.BcryptCost >= 4 && c.BcryptCost <= 31, "BARONG_BCRYPT_COST must be 4 to 31")
	check(c.OTPBackend == OTPPostgres || c.OTPBackend == OTPVault, "BARONG_OTP_BACKEND must be %s or %s", OTPPostgres, OTPVault)
	check(c.OTPIssuer != "" && !strings.Contains(c.OTPIssuer, ":"), "BARONG_OTP_ISSUER must be a name without a colon")
	if c.OTPBackend == OTPVault {
		_, ok := webURL(c.VaultAddress)
		check(ok, "VAULT_ADDR must be a URL without user and password, as https://vault.example.org:8200")
	}
	check(c.Journal == On || c.Journal == Off, "BARONG_JOURNAL must be %s or %s", On, Off)
	check(c.JournalProof == ProofSignatures || c.JournalProof == ProofNone, "BARONG_JOURNAL_PROOF must be %s or %s", ProofSignatures, ProofNone)
	check(c.Idempotency == "" || c.Idempotency == On || c.Idempotency == Observe || c.Idempotency == Off,
		"BARONG_IDEMPOTENCY must be empty, %s, %s or %s", On, Observe, Off)
	check(!c.IdempotencyRequire || c.Idempotency == "" || c.Idempotency == On, "BARONG_IDEMPOTENCY_REQUIRE needs a BARONG_IDEMPOTENCY that enforces keys")
	check(c.BodyMemory >= 1<<20, "BARONG_BODY_MEMORY must be at least 1048576 bytes")
	check(c.InFlight >= 1, "BARONG_MAX_IN_FLIGHT must be at least 1")
	check(c.StorageURL == "" || strings.Contains(c.StorageURL, "://"), "BARONG_STORAGE_URL must be a URL, as s3://bucket")
	check(c.StorageURLTTL >= time.Second && c.StorageURLTTL <= maxStorageURLTTL, "BARONG_STORAGE_URL_TTL must be 1s to %s", maxStorageURLTTL)
	if c.PublicURL != "" {
		public, ok := webURL(c.PublicURL)
		check(ok && public.RawQuery == "" && public.Fragment == "", "BARONG_PUBLIC_URL must begin with http:// or https:// and a host, without user and password, and have no query")
	}
	check(c.JournalCheckpoints == "" || strings.Contains(c.JournalCheckpoints, "://"), "BARONG_JOURNAL_CHECKPOINTS must be a URL, as s3://bucket")
	check(c.JournalKeep >= 0, "BARONG_JOURNAL_KEEP must not be negative: it is a number of months, and 0 keeps all")
	check(c.Connections >= 1, "BARONG_MAX_CONNECTIONS must be at least 1")
	check(c.Downloads >= 1, "BARONG_MAX_DOWNLOADS must be at least 1")
	check(c.DocumentsKey == "" || strings.Contains(c.DocumentsKey, "://"), "BARONG_DOCUMENTS_KEY must be a URL, as file:///path/to/key")
	check(c.EventsAMQPExpiry >= time.Second, "BARONG_EVENTS_AMQP_EXPIRY must be at least 1s, as 1h")
	check((c.TLSCert == "") == (c.TLSKey == ""), "BARONG_TLS_CERT and BARONG_TLS_KEY belong together, and one of them is empty")
	check(c.TLSClientCA == "" || c.TLSCert != "", "BARONG_TLS_CLIENT_CA needs BARONG_TLS_CERT: without TLS no client shows a certificate")
	file("BARONG_TLS_CERT", c.TLSCert)
	file("BARONG_TLS_KEY", c.TLSKey)
	file("BARONG_TLS_CLIENT_CA", c.TLSClientCA)
	file("BARONG_MANAGEMENT_API", c.KeychainPath)
	file("BARONG_CONFIG", c.RulesPath)
	file("BARONG_WEBHOOKS", c.Webhooks)
	file("JWT_PRIVATE_KEY_PATH", c.JWTPrivateKeyPath)
	return errors.Join(wrong...)
}

// webURL parses the URL of a server. It rejects a URL with a user or a password, because the
// clients that use it repeat the URL in their errors.
func webURL(text string) (*url.URL, bool) {
	parsed, err := url.Parse(text)
	if err != nil {
		return nil, false
	}
	return parsed, (parsed.Scheme == "http" || parsed.Scheme == "https") && parsed.Host != "" && parsed.User == nil
}

// withoutPath returns why a file cannot be read, without its path. The path is the value of a
// setting, and may be a secret in the wrong setting.
func withoutPath(err error) error {
	var failure *fs.PathError
	if errors.As(err, &failure) {
		return failure.Err
	}
	return err
}

// Loopback reports whether only this machine can reach the public listener.
func (c Config) Loopback() bool {
	address, err := net.ResolveTCPAddr("tcp", c.Listen)
	return err == nil && address.IP.IsLoopback()
}
