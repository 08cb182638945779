// Package app assembles the parts of the program: [Open] for commands, [OpenServer] for barong
// serve, and [Service] for the request handler that the server and the tests share. Parts that
// hold resources are closed in reverse order of opening.
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

// App holds the settings and the database that a command works with.
type App struct {
	Settings config.Config
	Log      *slog.Logger
	Pool     *pgxpool.Pool
	Repo     *repository.Repository

	cleanup []func() // in order of opening
}

// Open connects to the configured database, or to the private Postgres that a server created
// earlier. It creates neither a database nor anything else in the data directory. SQL
// statements run without a timeout.
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

// Close releases the resources in reverse order of opening, the database last.
func (a *App) Close() {
	for len(a.cleanup) > 0 {
		last := len(a.cleanup) - 1
		release := a.cleanup[last]
		a.cleanup = a.cleanup[:last]
		release()
	}
}

// onClose registers a function for Close, which calls the functions in reverse order.
func (a *App) onClose(release func()) { a.cleanup = append(a.cleanup, release) }

// OpenStorage opens the document store. Without BARONG_STORAGE_URL it is the directory that a
// server created. It cannot make URLs that a server accepts, because it does not have the
// server's signing key.
func (a *App) OpenStorage(ctx context.Context) (*documents.Store, error) {
	store, err := openExistingStorage(ctx, a.Settings)
	if err == nil {
		a.onClose(func() { _ = store.Close() })
	}
	return store, err
}

// OpenSigningStorage is OpenStorage with the server's signing key: the store makes URLs that a
// server accepts. It creates no key.
func (a *App) OpenSigningStorage(ctx context.Context) (*documents.Store, error) {
	store, err := openSigningStorage(ctx, a.Settings)
	if err == nil {
		a.onClose(func() { _ = store.Close() })
	}
	return store, err
}

// OpenOTP opens the OTP backend that BARONG_OTP_BACKEND names. If the key is neither
// configured nor created by a server, the error is [ErrNoKey].
func (a *App) OpenOTP(ctx context.Context) (otp.Backend, error) {
	backend, release, err := openOTP(ctx, a.Settings)
	if err != nil {
		return nil, err
	}
	a.onClose(release)
	return backend(a.Repo), nil
}
