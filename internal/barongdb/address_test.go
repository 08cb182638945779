package barongdb

import (
	"strings"
	"testing"
	"time"
)

func TestURLsOfMySQLAreRead(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]struct{ net, addr, user, password, database, tls, name string }{
		"mysql://root:a%40b%3Ac%2F@db.example:3307/barong_production?tls=true": {"tcp", "db.example:3307", "root", "a@b:c/", "barong_production", "true", "mysql://db.example:3307/barong_production"},
		"mysql2://root@[::1]/barong?encoding=utf8&pool=5":                      {"tcp", "[::1]:3306", "root", "", "barong", "", "mysql://[::1]:3306/barong"},
		"mysql://barong@/barong?socket=/run/mysqld/mysqld.sock":                {"unix", "/run/mysqld/mysqld.sock", "barong", "", "barong", "", "mysql:///run/mysqld/mysqld.sock/barong"},
	} {
		c, name, err := mysqlConfig(url)
		if err != nil {
			t.Errorf("%s: %s", url, err)
			continue
		}
		if c.Net != want.net || c.Addr != want.addr || c.User != want.user || c.Passwd != want.password || c.DBName != want.database || c.TLSConfig != want.tls || name != want.name {
			t.Errorf("%s: %s, as %s", url, c.FormatDSN(), name)
		}
		if c.Loc != time.UTC || c.ReadTimeout == 0 || !strings.HasPrefix(c.Collation, "utf8mb4") {
			t.Errorf("%s: %s", url, c.FormatDSN())
		}
	}
}

func TestErrorsOfURLsHaveNoPassword(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"mysql://root:se%cret@db/barong":                 "percent-encoded",
		"mysql://root:secret@db":                         "name of the database",
		"mysql://root:secret@db/a/b":                     "name of the database",
		"mysql://root:secret@/barong":                    "neither a host nor a socket",
		"mysql://root:secret@db/barong?tls=secret":       "must be true, skip-verify",
		"mysql://root:secret@db/barong?sslmode=require":  `the parameter "sslmode"`,
		"postgres://root:se%cret@db/barong":              "not one of PostgreSQL",
		"postgres://root:secret@db/barong?sslmode=maybe": "not one of PostgreSQL",
		"sqlite://secret":                                "must begin with",
		"secret":                                         "must begin with",
	} {
		_, _, _, err := connect(url)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "se%cret") {
			t.Errorf("%s: %v", url, err)
		}
	}
}
