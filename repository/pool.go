package repository

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
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
func Open(ctx context.Context, url string, configure ...func(*pgxpool.Config)) (*pgxpool.Pool, error) {
	config, err := parse(url)
	if err != nil {
		return nil, err
	}
	if !strings.Contains(url, "pool_max_conns") {
		config.MaxConns = int32(max(leastConns, 2*runtime.GOMAXPROCS(0))) //nolint:gosec // a number of processors fits
	}
	config.AfterConnect = func(_ context.Context, connection *pgx.Conn) error {
		// Times come back in UTC, whatever the zone of this machine.
		connection.TypeMap().RegisterType(&pgtype.Type{
			Name:  "timestamptz",
			OID:   pgtype.TimestamptzOID,
			Codec: &pgtype.TimestamptzCodec{ScanLocation: time.UTC},
		})
		return nil
	}
	for _, add := range configure {
		add(config)
	}
	return pgxpool.NewWithConfig(ctx, config)
}

// connectTimeout is for one host of the connection string, unless that has its own
// connect_timeout.
const connectTimeout = 5 * time.Second

func parse(url string) (*pgxpool.Config, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("the database's URL cannot be read: %w", err)
	}
	if config.ConnConfig.ConnectTimeout == 0 {
		config.ConnConfig.ConnectTimeout = connectTimeout
	}
	return config, nil
}
