package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"barong/generated"
	"barong/internal/app"
	"barong/internal/auth"
	"barong/internal/config"
	"barong/internal/identity"
	"barong/internal/server"
	"barong/internal/spec"
)

type checkCommand struct {
	Output  string        `enum:"text,json" default:"text" help:"text for a person, json for a program."`
	Timeout time.Duration `default:"10s" help:"How long the database, the store and Vault may take together."`
}

func (checkCommand) Help() string {
	return `Reads what barong serve would read in the same environment: the settings, the keychain, barong.yml, the database, the store of
documents and Vault. It changes nothing and starts no Postgres. On one page it says who may call which operation, which operations
nobody may call, which labels ban an account, which labels in the database would ban in Barong alone, how the clocks compare, and what
has no effect. The exit status is 1 where the server would not start or could not write, and 0 otherwise, with warnings too.

Example:
  barong check
  BARONG_MANAGEMENT_API=management_api.yml barong check --output json`
}

// checkReport is the result of barong check. Times are in seconds.
type checkReport struct {
	Version    string         `json:"version"`
	APIVersion string         `json:"api_version"`
	Ignored    []strayName    `json:"ignored"` // environment variables without effect
	Aliases    []aliasCheck   `json:"aliases"` // Barong's variables that are read
	Keychain   *keychainCheck `json:"keychain"`
	Rules      *rulesCheck    `json:"rules"`
	Database   *databaseCheck `json:"database"`
	Storage    *placeCheck    `json:"storage"`
	OTP        *placeCheck    `json:"otp"`
	Problems   []string       `json:"problems"` // reasons why the server cannot start or work
	Warnings   []string       `json:"warnings"`
}

func (r *checkReport) problem(format string, args ...any) {
	r.Problems = append(r.Problems, fmt.Sprintf(format, args...))
}

func (r *checkReport) warn(format string, args ...any) {
	r.Warnings = append(r.Warnings, fmt.Sprintf(format, args...))
}

func (c checkCommand) Run(p *program) error {
	document, err := generated.GetSpec()
	if err != nil {
		return err
	}
	report := &checkReport{Version: productVersion(), APIVersion: document.Info.Version, Ignored: []strayName{}, Aliases: usedAliases(os.Environ()), Problems: []string{}, Warnings: []string{}}
	settings, err := config.Read()
	if err != nil {
		for _, line := range strings.Split(err.Error(), "\n") {
			report.problem("%s", line)
		}
	}
	report.Ignored = append(report.Ignored, strayNames(os.Environ(), keychainText(settings))...)
	keychain := report.readKeychain(settings, spec.OperationsByScope(document))
	report.readRules(settings)
	if err == nil {
		report.readRest(settings, keychain)
		report.readEndpoints(settings)
		ctx, cancel := context.WithTimeout(context.Background(), c.Timeout)
		defer cancel()
		report.askDatabase(ctx, settings)
		report.askStorage(ctx, settings)
		report.askOTP(ctx, settings)
	}
	if c.Output == "json" {
		encoder := json.NewEncoder(p.stdout)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		err = encoder.Encode(report)
	} else {
		err = report.print(p.stdout)
	}
	if err == nil && len(report.Problems) > 0 {
		err = fmt.Errorf("%s with these settings", counted(len(report.Problems), "problem"))
	}
	return err
}

// readRest checks the settings that other packages interpret.
func (r *checkReport) readRest(c config.Config, keychain *auth.Keychain) {
	if _, err := identity.ParseUIDPrefix(c.UIDPrefix); err != nil {
		r.problem("BARONG_UID_PREFIX: %s", err)
	}
	if _, err := server.ParseRateLimits(c.RateLimits, keychain); err != nil {
		r.problem("BARONG_RATE_LIMITS: %s", err)
	}
	if c.JWTPrivateKeyPath != "" {
		if _, err := app.OpenSigner(c, discardLog); err != nil {
			r.problem("%s", err)
		}
	}
	if _, err := app.OpenCertificates(c, discardLog); err != nil {
		r.problem("%s", err)
	}
	if !c.Loopback() && c.KeychainPath == "" {
		r.problem("BARONG_MANAGEMENT_API is empty: without a keychain this server listens on a loopback address only, and BARONG_LISTEN is another")
	}
	if c.KeychainPath != "" && c.DatabaseURL == "" {
		r.warn("BARONG_MANAGEMENT_API is set and DATABASE_URL is not: users are kept in a private Postgres, which is for development")
	}
}
