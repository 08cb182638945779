package barongdb

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	sq "github.com/Masterminds/squirrel"
)

// schema is what the tables of an installation have. The versions of Barong differ in columns.
type schema struct {
	columns   map[string]map[string]bool // by table
	migration string                     // the newest, "" if the installation does not say
}

// required are the tables and columns of all versions, and those of which a version has one or the other.
var required = map[string][]string{
	"users":    {"id", "uid", "email", "password_digest", "role", "level", "otp", "state", "created_at", "updated_at"},
	"labels":   {"id", "user_id", "key", "value", "scope", "created_at", "updated_at"},
	"phones":   {"id", "user_id", "number|number_encrypted", "validated_at", "created_at", "updated_at"},
	"profiles": {"id", "user_id", "first_name|first_name_encrypted", "last_name|last_name_encrypted", "dob|dob_encrypted", "address|address_encrypted", "postcode", "city", "country", "created_at", "updated_at"},
}

// inspect reads which tables and columns there are. It fails for a database that is not Barong's.
func inspect(ctx context.Context, s *snapshot) (schema, error) {
	found := schema{columns: map[string]map[string]bool{}}
	all := compile(s.dialect, []string{"table_name", "column_name"}, func(b sq.SelectBuilder) sq.SelectBuilder {
		return b.From("information_schema.columns").Where(s.dialect.schema())
	})
	err := s.read(ctx, all, func(c cells) error {
		table := c.text(0)
		if found.columns[table] == nil {
			found.columns[table] = map[string]bool{}
		}
		found.columns[table][c.text(1)] = true
		return nil
	})
	if err != nil {
		return found, err
	}
	if err := found.check(); err != nil {
		return found, err
	}
	if !found.has("schema_migrations", "version") {
		return found, nil
	}
	newest := compile(s.dialect, []string{"MAX(version)"}, func(b sq.SelectBuilder) sq.SelectBuilder { return b.From("schema_migrations") })
	return found, s.read(ctx, newest, func(c cells) error {
		found.migration = c.text(0)
		return nil
	})
}

// check names what a database of Barong has and this one lacks.
func (s schema) check() error {
	if s.columns["users"] == nil && s.columns["accounts"] != nil {
		return errors.New("it is a database of Barong 1, which has accounts in place of users: upgrade it to 2.0 or later first")
	}
	var missing []string
	for table, columns := range required {
		if s.columns[table] == nil {
			missing = append(missing, "table "+table)
			continue
		}
		for _, column := range columns {
			if !slices.ContainsFunc(strings.Split(column, "|"), func(name string) bool { return s.has(table, name) }) {
				missing = append(missing, "column "+table+"."+strings.ReplaceAll(column, "|", " or "))
			}
		}
	}
	if missing == nil {
		return nil
	}
	slices.Sort(missing)
	return fmt.Errorf("it is not a database of Barong 2, or its user may not read it: it has no %s", strings.Join(missing, ", no "))
}

func (s schema) has(table, column string) bool { return s.columns[table][column] }

// version is the version of Barong that has these columns.
func (s schema) version() string {
	switch {
	case s.has("phones", "number_encrypted"), s.has("service_accounts", "uid"):
		return "2.6"
	case s.has("labels", "description"):
		return "2.4 or 2.5"
	case s.has("users", "data"):
		return "2.1 to 2.3"
	default:
		return "2.0"
	}
}

// column returns the name of a column with its table, NULL where this version lacks it, and with encrypted
// the name of its ciphertext where it has that.
func (s schema) column(table, column string) (expression string, encrypted bool) {
	switch {
	case s.has(table, column+"_encrypted"):
		return table + "." + column + "_encrypted", true
	case s.has(table, column):
		return table + "." + column, false
	default:
		return "NULL", false
	}
}

// names returns the expressions of several columns.
func (s schema) names(table string, columns ...string) []string {
	names := make([]string, len(columns))
	for i, column := range columns {
		names[i], _ = s.column(table, column)
	}
	return names
}
