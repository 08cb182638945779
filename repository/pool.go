package repository

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"runtime"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// leastConns is the default minimum of the pool's size limit. A writer holds a connection while its
// commit is written to disk, and the processors are idle meanwhile: on two processors, 32 clients
// wrote twice as much over 16 connections as over 8, and reads gained nothing beyond 8.
const leastConns = 16

// Open makes a pool for a connection string, which is a URL or key=value pairs, with the pool_…
// options of pgxpool. Without pool_max_conns the pool has at most 16 connections, or two for each
// processor if that is more. Open does not connect, so a database that is still starting is not an
// error here. configure may change the settings.
func Open(ctx context.Context, connString string, configure ...func(*pgxpool.Config)) (*pgxpool.Pool, error) {
	config, err := parse(connString)
	if err != nil {
		return nil, err
	}
	if !strings.Contains(connString, "pool_max_conns") {
		config.MaxConns = int32(max(leastConns, 2*runtime.GOMAXPROCS(0))) //nolint:gosec // a number of processors fits
	}
	config.AfterConnect = func(_ context.Context, connection *pgx.Conn) error {
		registerUTC(connection.TypeMap())
		return nil
	}
	for _, add := range configure {
		add(config)
	}
	return pgxpool.NewWithConfig(ctx, config)
}

var errCutOff = errors.New("it cannot be read: in a URL the characters : / ? # [ ] @ % of a user or a password are written as %XX")

// looksCutOff reports whether a password in the URL contains a character that ends it: the rest
// would be parsed as the name of a database or of a setting, which errors may contain.
func looksCutOff(text string) bool {
	rest, found := strings.CutPrefix(text, "postgres://")
	if !found {
		if rest, found = strings.CutPrefix(text, "postgresql://"); !found {
			return false
		}
	}
	authority, behind, _ := strings.Cut(strings.NewReplacer("?", "/", "#", "/").Replace(rest), "/")
	return strings.Contains(rest, "#") || !strings.Contains(authority, "@") && strings.Contains(behind, "@")
}

// unreadable says why a connection string is rejected, without any part of it: pgx quotes the
// string and finds the password in some strings only.
func unreadable(err error) error {
	var text *url.Error
	var file *fs.PathError
	switch {
	case errors.As(err, &text):
		return errCutOff
	case errors.As(err, &file):
		return fmt.Errorf("a file that it names cannot be read: %w", file.Err)
	default:
		return errors.New("it is neither a URL, as postgres://user:password@host/database?sslmode=verify-full, nor a list as host=… user=… of settings that are known")
	}
}

// connectTimeout applies to each host of a connection string that has no connect_timeout.
const connectTimeout = 5 * time.Second

func parse(connString string) (*pgxpool.Config, error) {
	if looksCutOff(connString) {
		return nil, errCutOff
	}
	config, err := pgxpool.ParseConfig(connString)
	if err != nil {
		return nil, unreadable(err)
	}
	if config.ConnConfig.ConnectTimeout == 0 {
		config.ConnConfig.ConnectTimeout = connectTimeout
	}
	return config, nil
}
