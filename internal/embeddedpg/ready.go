package embeddedpg

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

const (
	superuser = "barong"
	database  = "barong"
	port      = "5432" // only part of the socket's name

	// patience is how long a server may take to answer.
	patience = 30 * time.Second
)

// SQLSTATEs that the start handles.
const (
	cannotConnectNow   = "57P03" // starting up, recovering or shutting down
	invalidCatalogName = "3D000" // the database does not exist
)

// connString overrides the PG* variables of the environment.
func connString(socket, database string) string {
	return "postgres:///" + database + "?" + url.Values{
		"host": {socket}, "port": {port}, "user": {superuser}, "sslmode": {"disable"},
	}.Encode()
}

// awaitReady tries to connect until the server accepts, and creates a missing database. It returns
// errNotRunning as soon as the server has ended.
func (c *cluster) awaitReady(ctx context.Context) (socket, version string, err error) {
	deadline := time.Now().Add(patience)
	for delay := 2 * time.Millisecond; ; delay = min(delay*11/10, 50*time.Millisecond) {
		socket, version, err = c.connect(ctx)
		if err == nil {
			return socket, version, nil
		}
		if sqlState(err) == cannotConnectNow {
			deadline = time.Now().Add(patience) // giving up on a recovery would only restart it
		}
		if !c.running() {
			return "", "", errNotRunning
		}
		if time.Now().After(deadline) {
			return "", "", fmt.Errorf("it is running but gave no usable answer for %s: %w", patience, err)
		}
		if ended := sleep(ctx, delay); ended != nil {
			return "", "", fmt.Errorf("waiting for it to answer: %w (last: %w)", ended, err)
		}
	}
}

// connect tries once. It uses the socket that the server reports, which may differ from the one
// that this process would create.
func (c *cluster) connect(ctx context.Context) (socket, version string, err error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	pid, err := readPIDFile(c.data())
	if err != nil {
		return "", "", err
	}
	if err := ownedLikeData(pid.socketDir, c.data()); err != nil {
		return "", "", err
	}
	conn, err := pgx.Connect(ctx, connString(pid.socketDir, database))
	if sqlState(err) == invalidCatalogName {
		if err := createDatabase(ctx, pid.socketDir); err != nil {
			return "", "", err
		}
		conn, err = pgx.Connect(ctx, connString(pid.socketDir, database))
	}
	if err != nil {
		return "", "", err
	}
	defer func() { _ = conn.Close(ctx) }()
	return pid.socketDir, conn.PgConn().ParameterStatus("server_version"), nil
}

func createDatabase(ctx context.Context, socket string) error {
	conn, err := pgx.Connect(ctx, connString(socket, "postgres"))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	if _, err := conn.Exec(ctx, "CREATE DATABASE "+database); err != nil {
		return fmt.Errorf("creating the database %s: %w", database, err)
	}
	return nil
}

func sqlState(err error) string {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}
