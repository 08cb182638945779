package barongdb_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"barong/internal/barongdb"
	"barong/internal/barongdb/barongtest"
)

func TestVersionIsToldByColumns(t *testing.T) {
	each(t, func(t *testing.T, d *barongtest.Database) {
		want := map[barongtest.Schema]string{barongtest.V20: "Barong 2.0 (", barongtest.V23: "Barong 2.1 to 2.3 (", barongtest.V25: "Barong 2.4 or 2.5 (", barongtest.V26: "Barong 2.6 ("}[d.Schema]
		db := open(t, d)
		if got := db.Version(); !strings.HasPrefix(got, want) || !strings.Contains(got, "migration 20") {
			t.Error(got)
		}
		data := d.Irregular(t, 1, 20)
		if count, err := db.Count(t.Context()); err != nil || count != int64(len(data.Accounts)) {
			t.Errorf("%d users, %v", count, err)
		}
		if ahead, err := db.Clock(t.Context()); err != nil || ahead.Abs() > time.Second {
			t.Errorf("the clock is ahead by %s, %v", ahead, err)
		}
		d.Exec(t, "DROP TABLE schema_migrations")
		if got := open(t, d).Version(); strings.Contains(got, "migration") {
			t.Error(got)
		}
	})
}

func TestNameHasNoCredentials(t *testing.T) {
	each(t, func(t *testing.T, d *barongtest.Database) {
		db := open(t, d)
		if name := db.Name(); name != open(t, d).Name() || strings.Contains(name, url.QueryEscape(barongtest.Password)) || strings.Contains(name, "@") || !strings.Contains(name, "/barong_") {
			t.Error(name)
		}
	})
}

func TestAnotherDatabaseIsRecognised(t *testing.T) {
	each(t, func(t *testing.T, d *barongtest.Database) {
		for _, step := range []struct{ statement, want string }{
			{"ALTER TABLE users DROP COLUMN password_digest", "no column users.password_digest"},
			{"DROP TABLE labels", "it has no column users.password_digest, no table labels"},
			{"ALTER TABLE users RENAME TO accounts", "of Barong 1"},
			{"DROP TABLE accounts", "not a database of Barong 2, or its user may not read it: it has no table labels, no table users"},
		} {
			d.Exec(t, step.statement)
			if _, err := barongdb.Open(t.Context(), d.URL, barongdb.Options{}); err == nil || !strings.Contains(err.Error(), step.want) {
				t.Errorf("after %s: %v", step.statement, err)
			}
		}
	})
}

func TestFailuresToConnectHaveNoPassword(t *testing.T) {
	d := barongtest.MariaDB(t, barongtest.V23)
	for name, change := range map[string]func(u *url.URL){
		"Access denied": func(u *url.URL) { u.User = url.UserPassword("barong", "wrong-password") },
		"refused":       func(u *url.URL) { u.Host = "127.0.0.1:1"; u.User = url.UserPassword("barong", "wrong-password") },
		"no such file": func(u *url.URL) {
			u.RawQuery = "socket=/nowhere"
			u.User = url.UserPassword("barong", "wrong-password")
		},
		"Unknown database": func(u *url.URL) { u.Path = "/other" },
		"tls":              func(u *url.URL) { u.RawQuery = "tls=true" },
	} {
		address, err := url.Parse(d.URL)
		if err != nil {
			t.Fatal(err)
		}
		change(address)
		_, err = barongdb.Open(t.Context(), address.String(), barongdb.Options{})
		if err == nil || !strings.Contains(strings.ToLower(err.Error()), strings.ToLower(name)) || strings.Contains(err.Error(), "wrong-password") || strings.Contains(err.Error(), barongtest.Password) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSocketIsUsed(t *testing.T) {
	d := barongtest.MariaDB(t, barongtest.V23)
	var socket string
	if err := d.SQL.QueryRowContext(t.Context(), "SELECT @@socket").Scan(&socket); err != nil {
		t.Fatal(err)
	}
	address, err := url.Parse(d.URL)
	if err != nil {
		t.Fatal(err)
	}
	address.Host, address.RawQuery = "", url.Values{"socket": {socket}}.Encode()
	db, err := barongdb.Open(t.Context(), address.String(), barongdb.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if count, err := db.Count(t.Context()); count != 0 || err != nil {
		t.Error(count, err)
	}
}
