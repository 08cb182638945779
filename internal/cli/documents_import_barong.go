package cli

import (
	"context"
	"errors"
	"net/http"
	"os"

	"barong/internal/app"
	"barong/internal/barongdb"
	"barong/internal/config"
	"barong/internal/documentimport"
)

// openBarongDatabase connects to Barong's database. The columns that Barong 2.6 encrypts need the
// installation's Vault, in the settings of this server's.
func openBarongDatabase(ctx context.Context, settings config.Config, url string) (*barongdb.DB, error) {
	options := barongdb.Options{SecretKeyBase: os.Getenv("SECRET_KEY_BASE")}
	if settings.VaultAddress != "" {
		options.Vault = &barongdb.Vault{
			Address: settings.VaultAddress, AppName: settings.VaultPrefix, Client: http.DefaultClient,
			Token: func() (string, error) { return app.VaultToken(settings) },
		}
	}
	return barongdb.Open(ctx, url, options)
}

// openBarongsDocuments opens the documents of Barong's database.
func openBarongsDocuments(ctx context.Context, settings config.Config, url string) (documentRows, error) {
	db, err := openBarongDatabase(ctx, settings, url)
	if err != nil {
		return documentRows{}, err
	}
	count, err := db.CountDocuments(ctx)
	if err != nil {
		return documentRows{}, errors.Join(err, db.Close())
	}
	return documentRows{each: documentimport.Barong(ctx, db), source: "barong", size: count, close: func() { _ = db.Close() }}, nil
}
