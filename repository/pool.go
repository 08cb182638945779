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

// leastConns is how many connections a pool has at least, unless the URL says
// otherwise. Writers hold one while their commit goes to the disk, and meanwhile
// the processors are free: on two of them, 32 callers wrote twice as much over 16
// connections as over 8, and reading gained nothing from 8 on.
const leastConns = 16

// Open makes a pool on a connection string (a URL or key=value pairs, with the
// pool_… options of pgxpool; without pool_max_conns it has 16 connections, or two
// for each processor if that is more). It does not connect: a database that is
// still starting is not an error here. configure may add to the settings.
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

// looksCutOff says whether a password in the URL holds a character that ends it:
// what is behind would be taken for the name of a database or of a setting, which
// errors may name.
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

// unreadable says why a connection string is refused without any part of it: pgx
// quotes it, and finds the password in some of them only.
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

// connectTimeout is for one host of the connection string, unless that has its own
// connect_timeout.
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
