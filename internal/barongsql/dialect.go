package barongsql

import (
	_ "embed"
	"encoding/hex"
	"strings"
	"unicode/utf8"
)

var (
	//go:embed mysql/before.sql
	mysqlBefore string
	//go:embed mysql/after.sql
	mysqlAfter string
	//go:embed postgres/before.sql
	postgresBefore string
	//go:embed postgres/after.sql
	postgresAfter string
)

// Dialect is the SQL of a database.
type Dialect struct {
	before, after string
	keyColumn     string // the column key of labels: a reserved word of MySQL
	quote         func(string) string
	timeFormat    string
	limited       bool // columns of text have the limits of maxString and maxText
}

var (
	// MySQL is the dialect of MySQL and of MariaDB. Times are whole seconds, as in Barong's
	// columns.
	MySQL = Dialect{mysqlBefore, mysqlAfter, "`key`", quoteMySQL, "2006-01-02 15:04:05", true}

	// Postgres is the dialect of PostgreSQL. Rails declares columns of text without a limit there.
	Postgres = Dialect{postgresBefore, postgresAfter, "key", quotePostgres, "2006-01-02 15:04:05.999999", false}
)

// quoteMySQL returns a literal that means the same under every sql_mode and character set of the
// client: printable ASCII as it is, and anything with a quote, a backslash, a control character or
// another letter in hexadecimal.
func quoteMySQL(s string) string {
	if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' || r == '\'' || r == '\\' }) {
		return "_utf8mb4 X'" + strings.ToUpper(hex.EncodeToString([]byte(s))) + "'"
	}
	return "'" + s + "'"
}

// quotePostgres returns a literal that means the same whether standard_conforming_strings is on or
// off: one with a backslash is an escape string.
func quotePostgres(s string) string {
	quoted := "'" + strings.ReplaceAll(s, "'", "''") + "'"
	if strings.Contains(s, `\`) {
		return "E" + strings.ReplaceAll(quoted, `\`, `\\`)
	}
	return quoted
}

// The lengths of Barong's columns in MySQL.
const (
	maxString = 255        // characters of a string
	maxText   = 64<<10 - 1 // bytes of a text
)

// fits reports whether columns for strings and texts can hold the values.
func (d Dialect) fitsString(s string) bool {
	return !d.limited || utf8.RuneCountInString(s) <= maxString
}

func (d Dialect) fitsText(s string) bool { return !d.limited || len(s) <= maxText }
