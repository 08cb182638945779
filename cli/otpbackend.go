package cli

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"barong/auth"
	"barong/config"
	"barong/otp"
	"barong/repository"
)

// serverName is the kid of the server's own signatures, as Barong's clients know
// it, and the iss of its attestations.
const serverName = "barong"

func otpDir(c config.Config) string { return filepath.Join(c.DataDir, "otp") }

// openSigner is the key of JWT_PRIVATE_KEY_PATH or, where that is empty, one that
// is made once and kept under the data directory.
func openSigner(c config.Config, log *slog.Logger) (*auth.Signer, error) {
	read := func() ([]byte, error) { return os.ReadFile(c.JWTPrivateKey) }
	if c.JWTPrivateKey == "" {
		read = func() ([]byte, error) {
			return keptKey(filepath.Join(otpDir(c), "signing.pem"), func() ([]byte, error) {
				private, _, err := auth.GenerateKey("RS256")
				return private, err
			}, log)
		}
	}
	key, err := read()
	if err == nil {
		var signer *auth.Signer
		if signer, err = auth.NewSigner(serverName, "RS256", key); err == nil {
			return signer, nil
		}
	}
	if c.JWTPrivateKey == "" {
		return nil, fmt.Errorf("the server's own key, in %s: %w", otpDir(c), err)
	}
	return nil, fmt.Errorf("JWT_PRIVATE_KEY_PATH: %w", err)
}

// openOTP is the backend of BARONG_OTP_BACKEND. stop closes what it holds.
func openOTP(ctx context.Context, c config.Config, database *repository.Repository, log *slog.Logger) (backend otp.Backend, stop func(), err error) {
	url := c.OTPKey
	if url == "" {
		kept, err := keptKey(filepath.Join(otpDir(c), "secrets.key"), func() ([]byte, error) {
			return []byte(otp.NewKeeperURL() + "\n"), nil
		}, log)
		if err != nil {
			return nil, nil, fmt.Errorf("the key of one-time secrets, in %s: %w", otpDir(c), err)
		}
		url = strings.TrimSpace(string(kept))
	}
	keeper, err := otp.OpenKeeper(ctx, url)
	if err != nil {
		return nil, nil, fmt.Errorf("BARONG_OTP_KEY: %w", err)
	}
	return otp.NewLocal(database, keeper, time.Now), func() { _ = keeper.Close() }, nil
}
