package cli

import (
	"context"
	"net/http"
	"os"

	"barong/internal/app"
	"barong/internal/barongdb"
	"barong/internal/config"
)

// importFrom returns the URL of the database that an import reads; "" if the command line names a
// file, which has precedence over the variable.
func importFrom(file, url string) (string, error) {
	switch {
	case file == "":
		return url, nil
	case url != os.Getenv("BARONG_IMPORT_FROM"):
		return "", usagef("FILE and --from exclude each other")
	default:
		return "", nil
	}
}

// openBarong connects to Barong's database. The columns that Barong 2.6 encrypts need the
// installation's Vault, in the settings of this server's.
func openBarong(ctx context.Context, settings config.Config, url string) (*barongdb.DB, error) {
	options := barongdb.Options{SecretKeyBase: os.Getenv("SECRET_KEY_BASE")}
	if settings.VaultAddress != "" {
		options.Vault = &barongdb.Vault{
			Address: settings.VaultAddress, AppName: settings.VaultPrefix, Client: http.DefaultClient,
			Token: func() (string, error) { return app.VaultToken(settings) },
		}
	}
	return barongdb.Open(ctx, url, options)
}
