package cli

import (
	"context"
	"errors"
	"strings"

	"github.com/caarlos0/env/v11"

	"barong/internal/app"
	"barong/internal/config"
)

// aliasCheck is a variable of Barong's that is read, and what it sets.
type aliasCheck struct {
	Name    string `json:"name"`
	Setting string `json:"setting"`
}

func usedAliases(environment []string) []aliasCheck {
	used := []aliasCheck{}
	for _, alias := range config.Aliases(env.ToMap(environment)) {
		if alias.Used {
			used = append(used, aliasCheck{alias.Name, alias.Setting})
		}
	}
	return used
}

// placeCheck says where something is kept, and whether that place answers.
type placeCheck struct {
	Where     string `json:"where"` // without secrets
	Reachable bool   `json:"reachable"`
}

func (r *checkReport) askStorage(ctx context.Context, c config.Config) {
	where, err := app.CheckStorage(ctx, c)
	r.Storage = &placeCheck{Where: where, Reachable: err == nil}
	switch {
	case errors.Is(err, app.ErrNoStorageYet):
		r.Storage.Where += ", which does not exist yet: " + err.Error()
	case err != nil:
		r.problem("the store of documents: %s", oneLine(err))
	}
}

// askOTP asks Vault, if secrets of one-time codes are there.
func (r *checkReport) askOTP(ctx context.Context, c config.Config) {
	if c.OTPBackend != config.OTPVault {
		r.OTP = &placeCheck{Where: "the database", Reachable: r.Database.Reachable}
		return
	}
	err := app.CheckVault(ctx, c)
	r.OTP = &placeCheck{Where: "Vault at " + c.VaultAddress, Reachable: err == nil}
	if err != nil {
		r.problem("VAULT_ADDR: %s", oneLine(err))
	}
}

func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }
