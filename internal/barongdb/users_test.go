package barongdb_test

import (
	"net/http"
	"os"
	"reflect"
	"strings"
	"testing"

	"barong/internal/barongdb"
	"barong/internal/barongdb/barongtest"
)

func TestMain(m *testing.M) { os.Exit(barongtest.Main(m)) }

// each calls a test with a database of every kind and version.
func each(t *testing.T, test func(t *testing.T, d *barongtest.Database)) {
	for _, schema := range []barongtest.Schema{barongtest.V20, barongtest.V23, barongtest.V25, barongtest.V26} {
		t.Run("MariaDB "+string(schema), func(t *testing.T) { test(t, barongtest.MariaDB(t, schema)) })
	}
	t.Run("Postgres 2.6", func(t *testing.T) { test(t, barongtest.Postgres(t, barongtest.V26)) })
}

// options are those with which the columns of a database can be read.
func options(d *barongtest.Database) barongdb.Options {
	if d.Transit == nil {
		return barongdb.Options{}
	}
	return barongdb.Options{Vault: &barongdb.Vault{
		Address: d.Transit.URL, Token: func() (string, error) { return d.Transit.Token, nil }, AppName: d.Transit.App, Client: http.DefaultClient,
	}}
}

// open opens a database for a test.
func open(t testing.TB, d *barongtest.Database) *barongdb.DB {
	t.Helper()
	db, err := barongdb.Open(t.Context(), d.URL, options(d))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// read returns all users.
func read(t testing.TB, db *barongdb.DB, afterID int64) (users []barongdb.User) {
	t.Helper()
	for u, err := range db.Users(t.Context(), afterID) {
		if err != nil {
			t.Fatal(err)
		}
		users = append(users, u)
	}
	return users
}

func TestEveryUserIsReadAsItIs(t *testing.T) {
	each(t, func(t *testing.T, d *barongtest.Database) {
		for seed := range uint64(3) {
			clear(t, d)
			compare(t, d.Irregular(t, seed, 202).Accounts, read(t, open(t, d), 0))
		}
	})
}

// clear empties the tables.
func clear(t *testing.T, d *barongtest.Database) {
	for _, table := range []string{"users", "labels", "phones", "profiles", "documents"} {
		d.Exec(t, "DELETE FROM "+table)
	}
}

// compare compares users field by field.
func compare(t *testing.T, accounts []*barongtest.Account, users []barongdb.User) {
	t.Helper()
	if len(users) != len(accounts) {
		t.Fatalf("%d users of %d", len(users), len(accounts))
	}
	for i, account := range accounts {
		got, want := users[i], account.Want
		if len(got.Notes) != account.Notes {
			t.Errorf("%s: notes %q, not %d", account.Irregularity, got.Notes, account.Notes)
		}
		for _, note := range got.Notes {
			if strings.Contains(note, "@") || strings.ContainsAny(note, "\n") {
				t.Errorf("%s: the note %q", account.Irregularity, note)
			}
		}
		got.Notes = nil
		differ(t, account.Irregularity, reflect.ValueOf(got), reflect.ValueOf(want))
	}
}

// differ reports the fields that differ.
func differ(t *testing.T, name string, got, want reflect.Value) {
	t.Helper()
	for i := range got.NumField() {
		field := got.Type().Field(i).Name
		if !reflect.DeepEqual(got.Field(i).Interface(), want.Field(i).Interface()) {
			t.Errorf("%s: %s is\n%s, not\n%s", name, field, show(got.Field(i)), show(want.Field(i)))
		}
	}
}
