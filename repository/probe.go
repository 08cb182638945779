package repository

import (
	"context"
	"errors"
	"fmt"
	"time"

	sq "github.com/Masterminds/squirrel"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Errors of Probe.Check while the database answers.
var (
	ErrReadOnly      = errors.New("the database takes no writes")
	ErrPoolExhausted = errors.New("requests hold all connections of the pool, and none came back in time")
)

const (
	// probeLifetime is how long a probe keeps its connection. Only new connections see changed
	// settings of a role or a database.
	probeLifetime = time.Minute
	// tooManyConnections is the SQLSTATE with which Postgres rejects a connection beyond its limit,
	// or beyond that of the role or the database.
	tooManyConnections = "53300"
)

// A hot standby always reports transaction_read_only, whatever its settings are.
var probeDatabase = compile(sq.Select("COALESCE(MAX("+gooseTable.versionID+"), 0)", "current_setting('transaction_read_only') = 'on'").
	From(gooseTable.name).Where(gooseTable.isApplied))

type probed struct {
	Version  int64
	ReadOnly bool
}

// Probe finds out whether requests can be served. It queries the database over its own connection,
// which requests cannot use up, and keeps that connection for the next check. It is safe for
// concurrent use.
type Probe struct {
	pool   *pgxpool.Pool
	config *pgx.ConnConfig // of the probe's connection

	turn chan struct{} // holds a value while the fields below are in use

	connection *pgx.Conn // nil until it is needed
	opened     time.Time
	readOnly   bool // at the last check
}

// NewProbe makes a probe of a pool and its database. It does not connect.
func NewProbe(pool *pgxpool.Pool) *Probe {
	config := pool.Config().ConnConfig
	if validate := config.ValidateConnect; validate != nil {
		config.ValidateConnect = func(ctx context.Context, connection *pgconn.PgConn) error {
			return asReadOnly(ctx, validate(ctx, connection))
		}
	}
	return &Probe{pool: pool, config: config, turn: make(chan struct{}, 1)}
}

// asReadOnly wraps in ErrReadOnly the error with which target_session_attrs rejects a host that
// takes no writes; pgx has no value for it. Errors that the host itself reports, and a host that is
// only less preferred than another, are returned unchanged.
func asReadOnly(ctx context.Context, err error) error {
	var pgErr *pgconn.PgError
	var lessPreferred *pgconn.NotPreferredError
	if err == nil || ctx.Err() != nil || errors.As(err, &pgErr) || errors.As(err, &lessPreferred) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrReadOnly, err)
}

// Check returns the version of the newest migration that the database has applied. ctx limits its
// duration and needs a deadline. While the database answers, the error is ErrReadOnly,
// ErrSchemaOutdated or ErrPoolExhausted, with the version; any other error comes from the database
// or the connection.
func (p *Probe) Check(ctx context.Context) (version int64, err error) {
	latest, err := LatestSchema()
	if err != nil {
		return 0, err
	}
	found, err := p.ask(ctx)
	switch {
	case err != nil:
		return 0, err
	case found.ReadOnly:
		return found.Version, ErrReadOnly
	case found.Version < latest:
		return found.Version, ErrSchemaOutdated
	}
	connection, err := p.pool.Acquire(ctx)
	if err != nil {
		if ctx.Err() != nil && p.pool.Stat().AcquiredConns() == p.pool.Config().MaxConns {
			err = ErrPoolExhausted
		}
		return found.Version, err
	}
	connection.Release()
	return found.Version, nil
}

// ask queries the database over the probe's connection, and opens a new one where that is missing,
// too old or broken. Where the database rejects one more connection, ask uses a connection of the
// pool.
func (p *Probe) ask(ctx context.Context) (found probed, err error) {
	select {
	case p.turn <- struct{}{}:
		defer func() { <-p.turn }()
	case <-ctx.Done():
		return found, fmt.Errorf("an earlier check still waits for the database: %w", ctx.Err())
	}
	defer func() { p.remember(found, err) }()
	if p.connection != nil {
		// The old connection gets half of the time: a connection that the network has silently
		// dropped does not prove that the database hangs.
		kept, cancel := context.WithTimeout(ctx, timeLeft(ctx)/2)
		defer cancel()
		if time.Since(p.opened) < probeLifetime {
			found, err = runProbe(kept, p.connection)
			if !p.connection.IsClosed() {
				return found, err
			}
		}
		p.disconnect(kept)
	}
	connection, err := pgx.ConnectConfig(ctx, p.config)
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) && pgErr.Code == tooManyConnections {
		return p.askPool(ctx)
	}
	if err != nil {
		return found, err
	}
	p.connection, p.opened = connection, time.Now()
	return runProbe(ctx, connection)
}

func (p *Probe) askPool(ctx context.Context) (found probed, err error) {
	connection, err := p.pool.Acquire(ctx)
	if err != nil {
		return found, err
	}
	defer connection.Release()
	return runProbe(ctx, connection.Conn())
}

// remember handles a change between read-only and writable. Connections that were opened while the
// database was read-only may stay so after it takes writes again: the probe's connection is closed
// at once, those of the pool when the database is writable again.
func (p *Probe) remember(found probed, err error) {
	if err != nil {
		return
	}
	if found.ReadOnly && p.connection != nil {
		closing, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		p.disconnect(closing)
	}
	if p.readOnly && !found.ReadOnly {
		p.pool.Reset()
	}
	p.readOnly = found.ReadOnly
}

// Close closes the probe's connection.
func (p *Probe) Close(ctx context.Context) {
	p.turn <- struct{}{}
	defer func() { <-p.turn }()
	p.disconnect(ctx)
}

func (p *Probe) disconnect(ctx context.Context) {
	if p.connection != nil {
		_ = p.connection.Close(ctx)
		p.connection = nil
	}
}

func runProbe(ctx context.Context, connection *pgx.Conn) (found probed, err error) {
	err = connection.QueryRow(ctx, probeDatabase.sql).Scan(&found.Version, &found.ReadOnly)
	return found, err
}

// timeLeft returns the time until the deadline of ctx.
func timeLeft(ctx context.Context) time.Duration {
	deadline, ok := ctx.Deadline()
	if !ok {
		return probeLifetime
	}
	return time.Until(deadline)
}
