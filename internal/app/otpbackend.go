package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"barong/clients/go/signing"
	"barong/internal/config"
	"barong/internal/keys"
	"barong/internal/otp"
	"barong/repository"
)

// serverName is the kid of the server's own signatures, which Barong's clients expect, and the
// iss of its attestations.
const serverName = "barong"

func otpDir(c config.Config) string { return filepath.Join(c.DataDir, "otp") }

func otpKeyFile(c config.Config) string { return filepath.Join(otpDir(c), "secrets.key") }

// makeOTPKey creates the key that encrypts one-time secrets if it is neither configured nor
// present. Only the server calls it: a command in another directory would encrypt with a key
// that the server does not have.
func makeOTPKey(c config.Config, log *slog.Logger) error {
	if c.OTPBackend == config.OTPVault || c.OTPKey != "" {
		return nil
	}
	if _, err := loadOrCreateKey(otpKeyFile(c), newKeyURL, log); err != nil {
		return fmt.Errorf("the key of one-time secrets, in %s: %w", otpDir(c), err)
	}
	return nil
}

// OpenSigner returns the server's own signer. Its key is that of JWT_PRIVATE_KEY_PATH or, if
// the setting is empty, one that is created once in the data directory.
func OpenSigner(c config.Config, log *slog.Logger) (*signing.Signer, error) {
	read := func() ([]byte, error) { return os.ReadFile(c.JWTPrivateKeyPath) }
	if c.JWTPrivateKeyPath == "" {
		read = func() ([]byte, error) {
			return loadOrCreateKey(filepath.Join(otpDir(c), "signing.pem"), func() ([]byte, error) {
				private, _, err := signing.GenerateKey("RS256")
				return private, err
			}, log)
		}
	}
	key, err := read()
	if err == nil {
		var signer *signing.Signer
		if signer, err = signing.NewSigner(serverName, "RS256", key); err == nil {
			return signer, nil
		}
	}
	if c.JWTPrivateKeyPath == "" {
		return nil, fmt.Errorf("the server's own key, in %s: %w", otpDir(c), err)
	}
	return nil, fmt.Errorf("JWT_PRIVATE_KEY_PATH: %w", err)
}

// openOTP prepares the OTP backend of BARONG_OTP_BACKEND before the database is open: on
// returns the backend for a repository, stop releases its resources. If the key is neither
// configured nor created by a server ([makeOTPKey]), the error is ErrNoKey.
func openOTP(ctx context.Context, c config.Config) (on func(*repository.Repository) otp.Backend, stop func(), err error) {
	if c.OTPBackend == config.OTPVault {
		return func(repo *repository.Repository) otp.Backend {
			return &otp.Vault{
				Address: c.VaultAddress, Token: func() (string, error) { return VaultToken(c) }, Prefix: c.VaultPrefix, Issuer: c.OTPIssuer,
				Accounts: repo, Clock: time.Now, Client: http.DefaultClient,
			}
		}, func() {}, nil
	}
	url := c.OTPKey
	if url == "" {
		stored, err := existingKey(otpKeyFile(c), "BARONG_OTP_KEY")
		if err != nil {
			return nil, nil, err
		}
		url = strings.TrimSpace(string(stored))
	}
	keeper, err := keys.Open(ctx, url)
	if err != nil {
		return nil, nil, fmt.Errorf("BARONG_OTP_KEY: %w", err)
	}
	return func(repo *repository.Repository) otp.Backend {
		return otp.NewLocal(repo, keeper, time.Now)
	}, func() { _ = keeper.Close() }, nil
}

// VaultToken returns the current Vault token: VAULT_TOKEN or, if it is empty, the content of
// the token file, which an agent renews.
func VaultToken(c config.Config) (string, error) {
	if c.VaultToken != "" {
		return c.VaultToken, nil
	}
	path := c.VaultTokenFile
	if path == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("neither VAULT_TOKEN nor VAULT_TOKEN_FILE is set: %w", err)
		}
		path = filepath.Join(home, ".vault-token")
	}
	token, err := os.ReadFile(path)
	if err != nil {
		var failure *fs.PathError
		if errors.As(err, &failure) {
			err = failure.Err // the path is left out: the setting may contain a token by mistake
		}
		return "", fmt.Errorf("VAULT_TOKEN is empty, and the file of VAULT_TOKEN_FILE, or ~/.vault-token, cannot be read: %w", err)
	}
	return strings.TrimSpace(string(token)), nil
}

// warnOfPlainVault logs a warning if Vault's token and one-time codes are sent unencrypted to
// another host.
func warnOfPlainVault(c config.Config, log *slog.Logger) {
	address, err := url.Parse(c.VaultAddress)
	if c.OTPBackend != config.OTPVault || err != nil || address.Scheme != "http" || isLoopbackName(address.Hostname()) {
		return
	}
	log.Warn("VAULT_ADDR begins with http:// and is not on this machine: Vault's token and one-time codes travel unencrypted")
}

func isLoopbackName(host string) bool {
	if host == "localhost" {
		return true
	}
	address, err := netip.ParseAddr(host)
	return err == nil && address.IsLoopback()
}
