package app

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"

	"barong/internal/config"
	"barong/internal/keys"
)

func apiKeysKeyFile(c config.Config) string { return filepath.Join(c.DataDir, "api_keys.key") }

// makeAPIKeysKey creates the key that encrypts the secrets of API keys if it is neither configured
// nor present. Only the server calls it, like makeOTPKey.
func makeAPIKeysKey(c config.Config, log *slog.Logger) error {
	if c.APIKeysKey != "" {
		return nil
	}
	if _, err := loadOrCreateKey(apiKeysKeyFile(c), newKeyURL, log); err != nil {
		return fmt.Errorf("the key of the secrets of API keys: %w", err)
	}
	return nil
}

// newKeyURL makes the content of a key file.
func newKeyURL() ([]byte, error) { return []byte(keys.NewURL() + "\n"), nil }

// OpenAPIKeys opens the key that encrypts the secrets of API keys: that of BARONG_API_KEYS_KEY or, if
// the setting is empty, the one that a server created. Without either the error is [ErrNoKey].
func (a *App) OpenAPIKeys(ctx context.Context) (*keys.Sealer, error) {
	url := a.Settings.APIKeysKey
	if url == "" {
		stored, err := existingKey(apiKeysKeyFile(a.Settings), "BARONG_API_KEYS_KEY")
		if err != nil {
			return nil, err
		}
		url = strings.TrimSpace(string(stored))
	}
	return a.openSealer(ctx, "BARONG_API_KEYS_KEY", url)
}

// OpenOldAPIKeys opens the key of BARONG_API_KEYS_OLD_KEY.
func (a *App) OpenOldAPIKeys(ctx context.Context) (*keys.Sealer, error) {
	return a.openSealer(ctx, "BARONG_API_KEYS_OLD_KEY", a.Settings.APIKeysOldKey)
}

// openSealer opens the key that a setting names. Close closes it.
func (a *App) openSealer(ctx context.Context, setting, url string) (*keys.Sealer, error) {
	keeper, err := keys.Open(ctx, url)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", setting, err)
	}
	a.onClose(func() { _ = keeper.Close() })
	return keys.NewSealer(keeper), nil
}
