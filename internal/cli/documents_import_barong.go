package cli

import (
	"context"
	"errors"

	"barong/internal/config"
	"barong/internal/documentimport"
)

// openBarongsDocuments opens the documents of Barong's database.
func openBarongsDocuments(ctx context.Context, settings config.Config, url string) (documentRows, error) {
	db, err := openBarong(ctx, settings, url)
	if err != nil {
		return documentRows{}, err
	}
	count, err := db.CountDocuments(ctx)
	if err != nil {
		return documentRows{}, errors.Join(err, db.Close())
	}
	return documentRows{each: documentimport.Barong(ctx, db), source: "barong", size: count, close: func() { _ = db.Close() }}, nil
}
