// Package app puts the parts together, once: [Open] for the commands, [OpenServer]
// for barong serve, and [Service] for the requests of both the server and the tests.
// Parts that hold something are closed in the reverse order of their opening.
package app

import (
	"context"
	"log/slog"

	"github.com/jackc/pgx/v5/pgxpool"

	"barong/internal/config"
	"barong/internal/documents"
	"barong/internal/otp"
	"barong/repository"
)

// App is what a command works on: the settings and the database that they name.
type App struct {
	Settings config.Config
	Log      *slog.Logger
	Pool     *pgxpool.Pool
	Repo     *repository.Repository

	cleanup []func() // in the order of opening
}

// Open connects to the database of the settings, or to the private one of a server
// that was started before: it makes none, and nothing else under the data directory.
// Statements of a command may take as long as they need.
func Open(ctx context.Context, settings config.Config, log *slog.Logger) (*App, error) {
	if err := checkDatabaseExists(settings); err != nil {
		return nil, err
	}
	a := &App{Settings: settings, Log: log}
	if err := a.openDatabase(ctx, repository.Timeouts(0)); err != nil {
		a.Close()
		return nil, err
	}
	return a, nil
}

// Close releases what the App holds: files of documents, keys, then the database.
func (a *App) Close() {
	for len(a.cleanup) > 0 {
		last := len(a.cleanup) - 1
		release := a.cleanup[last]
		a.cleanup = a.cleanup[:last]
		release()
	}
}

// onClose has Close call release before what was opened earlier.
func (a *App) onClose(release func()) { a.cleanup = append(a.cleanup, release) }

// OpenStorage opens the store of documents. Without BARONG_STORAGE_URL it is the
// directory that a server has made. URLs of documents are not signed by a key that a
// server knows.
func (a *App) OpenStorage(ctx context.Context) (*documents.Store, error) {
	store, err := openExistingStorage(ctx, a.Settings)
	if err == nil {
		a.onClose(func() { _ = store.Close() })
	}
	return store, err
}

// OpenOTP opens the backend of one-time codes that BARONG_OTP_BACKEND names. A key
// that is neither in the settings nor was made by a server is [ErrNoKey].
func (a *App) OpenOTP(ctx context.Context) (otp.Backend, error) {
	backend, release, err := openOTP(ctx, a.Settings)
	if err != nil {
		return nil, err
	}
	a.onClose(release)
	return backend(a.Repo), nil
}
