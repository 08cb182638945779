package barongtest

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestMain(m *testing.M) { os.Exit(Main(m)) }

// each calls a test with a database of every kind and version.
func each(t *testing.T, test func(t *testing.T, d *Database)) {
	for _, schema := range []Schema{V20, V23, V25, V26} {
		t.Run("MariaDB "+string(schema), func(t *testing.T) { test(t, MariaDB(t, schema)) })
	}
	t.Run("Postgres 2.6", func(t *testing.T) { test(t, Postgres(t, V26)) })
}

func TestEveryIrregularityIsStored(t *testing.T) {
	each(t, func(t *testing.T, d *Database) {
		data := d.Irregular(t, 1, 202)
		if len(data.Accounts) != 202 {
			t.Errorf("%d accounts", len(data.Accounts))
		}
		seen := map[string]bool{}
		for _, a := range data.Accounts {
			seen[a.Irregularity] = true
		}
		for _, i := range irregularities {
			if (i.possible == nil || i.possible(d)) && !seen[i.name] {
				t.Errorf("no user has the irregularity %q", i.name)
			}
		}
		for name, rows := range data.rows {
			var count int
			if err := d.SQL.QueryRowContext(t.Context(), "SELECT count(*) FROM "+name).Scan(&count); err != nil || count != len(rows) {
				t.Errorf("%s has %d rows of %d, %v", name, count, len(rows), err)
			}
		}
	})
}

func TestBulkMakesUsers(t *testing.T) {
	d := MariaDB(t, V23)
	d.Bulk(t, 1000)
	for name, want := range map[string]int{"users": 1000, "labels": 3000, "phones": 1000, "profiles": 1000} {
		var count int
		if err := d.SQL.QueryRowContext(t.Context(), "SELECT count(*) FROM "+name).Scan(&count); err != nil || count != want {
			t.Errorf("%s has %d rows, %v", name, count, err)
		}
	}
}

func TestMissingProgramIsNamed(t *testing.T) {
	if path, err := program("mariadbd-of-nobody"); !errors.Is(err, ErrNoMariaDB) || !strings.Contains(err.Error(), "mariadb-server") {
		t.Error(path, err)
	}
}

// go test shows nothing of a package that passes, so a skipped test must be told otherwise.
func TestReportReachesMakeTest(t *testing.T) {
	path := filepath.Join(t.TempDir(), "report")
	t.Setenv("BARONG_TEST_REPORT", path)
	report("skipped: %s", ErrNoMariaDB)
	if text, err := os.ReadFile(path); err != nil || string(text) != "skipped: "+ErrNoMariaDB.Error()+"\n" {
		t.Errorf("%q %v", text, err)
	}
}
