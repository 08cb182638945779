package repository

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"
)

// ErrSchemaOutdated is a schema that lacks steps this binary relies on. One that
// has more is no error: a newer binary runs beside this one.
var ErrSchemaOutdated = errors.New("the schema is older than this binary: run barong migrate up")

// LatestSchema is the version of the newest step that this binary has.
func LatestSchema() (int64, error) {
	steps, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return 0, err
	}
	var latest int64
	for _, step := range steps {
		number, _, _ := strings.Cut(path.Base(step), "_")
		version, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("the migration %s has no number: %w", step, err)
		}
		latest = max(latest, version)
	}
	return latest, nil
}

// SchemaVersion is the version of the newest step that the database has taken.
// It is ErrSchemaOutdated, beside the version, where this binary needs more.
func SchemaVersion(ctx context.Context, pool *pgxpool.Pool) (int64, error) {
	latest, err := LatestSchema()
	if err != nil {
		return 0, err
	}
	var version int64
	if err := pool.QueryRow(ctx, "SELECT COALESCE(MAX(version_id), 0) FROM goose_db_version WHERE is_applied").Scan(&version); err != nil {
		return 0, fmt.Errorf("the version of the schema cannot be read: %w", err)
	}
	if version < latest {
		return version, ErrSchemaOutdated
	}
	return version, nil
}
