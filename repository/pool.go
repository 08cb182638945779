package repository

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Open makes a pool on a connection string (a URL or key=value pairs, with the
// pool_… options of pgxpool). It does not connect: a database that is still
// starting is not an error here. configure may add to the settings.
func Open(ctx context.Context, url string, configure ...func(*pgxpool.Config)) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("the database's URL cannot be read: %w", err)
	}
	if config.ConnConfig.ConnectTimeout == 0 {
		config.ConnConfig.ConnectTimeout = 5 * time.Second
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
