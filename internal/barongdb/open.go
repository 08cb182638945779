package barongdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	sq "github.com/Masterminds/squirrel"
)

// Options are what reading some versions takes.
type Options struct {
	// Vault decrypts the columns that the installation has encrypted with Vault's transit engine.
	Vault *Vault
	// SecretKeyBase is SECRET_KEY_BASE of the installation, from which its Rails derives keys of columns.
	SecretKeyBase string
}

// DB is the database of an installation of Barong. It is only read. Its methods are safe for concurrent use.
// Their errors contain no credentials.
type DB struct {
	pool      *sql.DB
	dialect   dialect
	name      string
	server    string
	schema    schema
	decrypter *decrypter
}

// Open connects to a database by mysql://user:password@host:3306/name?tls=true&socket=/path, of which the
// parameters are optional, or by a URL of PostgreSQL, and finds out which version of Barong it is of. It
// fails if it is not Barong's.
func Open(ctx context.Context, url string, options Options) (*DB, error) {
	pool, dialect, name, err := connect(url)
	if err != nil {
		return nil, err
	}
	d := &DB{pool: pool, dialect: dialect, name: name, decrypter: newDecrypter(options)}
	if err := d.inspect(ctx); err != nil {
		_ = pool.Close()
		return nil, fmt.Errorf("%s: %w", name, d.withoutData(err))
	}
	return d, nil
}

func (d *DB) inspect(ctx context.Context) error {
	s, err := d.snapshot(ctx)
	if err != nil {
		return err
	}
	defer s.end()
	version := compile(d.dialect, []string{"VERSION()"}, func(b sq.SelectBuilder) sq.SelectBuilder { return b })
	if err := s.read(ctx, version, func(c cells) error { d.server = c.text(0); return nil }); err != nil {
		return err
	}
	d.schema, err = inspect(ctx, s)
	return err
}

// withoutData reduces an error of the server to its message: details repeat rows.
func (d *DB) withoutData(err error) error {
	if text, ok := d.dialect.reason(err); ok {
		return errors.New(text)
	}
	return err
}

// Close closes the connections.
func (d *DB) Close() error { return d.pool.Close() }

// Name identifies the database, without credentials: the same database has the same name.
func (d *DB) Name() string { return d.name }

// Version describes the installation in a few words: the versions of Barong that have its columns, its
// newest migration and the version of the server.
func (d *DB) Version() string {
	text := "Barong " + d.schema.version()
	if d.schema.migration != "" {
		text += " (migration " + d.schema.migration + ")"
	}
	return text + " on " + d.server
}

// Count returns the number of users.
func (d *DB) Count(ctx context.Context) (count int64, err error) {
	return count, d.once(ctx, []string{"COUNT(*)"}, func(b sq.SelectBuilder) sq.SelectBuilder { return b.From("users") }, func(c cells) error {
		count, err = c.integer(0)
		return err
	})
}

// Clock returns by how much the clock of the database is ahead of this machine's. The time of the answer's
// way is left out as far as it can be known.
func (d *DB) Clock(ctx context.Context) (ahead time.Duration, err error) {
	s, err := d.snapshot(ctx)
	if err != nil {
		return 0, d.withoutData(err)
	}
	defer s.end()
	now := compile(d.dialect, []string{d.dialect.now()}, func(b sq.SelectBuilder) sq.SelectBuilder { return b })
	shortest := time.Duration(1<<63 - 1)
	for range 3 {
		asked := time.Now()
		err := s.read(ctx, now, func(c cells) error {
			at, ok := c.moment(0)
			way := time.Since(asked)
			if !ok {
				return fmt.Errorf("the database says that it is %q", c.text(0))
			}
			if way < shortest {
				shortest, ahead = way, at.Sub(asked.Add(way/2))
			}
			return nil
		})
		if err != nil {
			return 0, d.withoutData(err)
		}
	}
	return ahead, nil
}

// once reads a statement in a snapshot of its own.
func (d *DB) once(ctx context.Context, columns []string, build func(sq.SelectBuilder) sq.SelectBuilder, each func(cells) error) error {
	s, err := d.snapshot(ctx)
	if err != nil {
		return d.withoutData(err)
	}
	defer s.end()
	return d.withoutData(s.read(ctx, compile(d.dialect, columns, build), each))
}
