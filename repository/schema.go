package repository

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// ErrSchemaOutdated means that the schema lacks migrations that this binary needs. A schema with
// more migrations is no error: a newer binary runs at the same time.
var ErrSchemaOutdated = errors.New("the schema is older than this binary: run barong migrate up")

// LatestSchema returns the version of the newest migration of this binary.
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
