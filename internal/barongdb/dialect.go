package barongdb

import (
	"context"
	"database/sql"
	"errors"

	sq "github.com/Masterminds/squirrel"
	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/pgconn"
)

// dialect is how a kind of database differs from the other. Names need no quotes in either: key, which MySQL
// reserves, stands behind a table and a period.
type dialect interface {
	// placeholders is the format of the placeholders of a statement.
	placeholders() sq.PlaceholderFormat
	// schema restricts information_schema to the database that is read.
	schema() sq.Sqlizer
	// now is an expression for the time in UTC.
	now() string
	// begin starts a transaction that reads one state of the database, and locks nothing.
	begin(ctx context.Context, conn *sql.Conn) error
	// reason returns the text of a server's error without data.
	reason(err error) (text string, ok bool)
}

type mysqlDialect struct{}

func (mysqlDialect) placeholders() sq.PlaceholderFormat { return sq.Question }
func (mysqlDialect) schema() sq.Sqlizer                 { return sq.Expr("table_schema = DATABASE()") }
func (mysqlDialect) now() string                        { return "UTC_TIMESTAMP(6)" }

func (mysqlDialect) begin(ctx context.Context, conn *sql.Conn) error {
	return execute(ctx, conn,
		"SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
		"START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
}

func (mysqlDialect) reason(err error) (string, bool) {
	failure, ok := errors.AsType[*mysql.MySQLError](err)
	if !ok {
		return "", false
	}
	return failure.Message, true
}

type postgresDialect struct{}

func (postgresDialect) placeholders() sq.PlaceholderFormat { return sq.Dollar }
func (postgresDialect) schema() sq.Sqlizer {
	return sq.Expr("table_schema = ANY (current_schemas(false))")
}

func (postgresDialect) now() string { return "clock_timestamp() AT TIME ZONE 'UTC'" }

func (postgresDialect) begin(ctx context.Context, conn *sql.Conn) error {
	return execute(ctx, conn,
		"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
		"SET LOCAL statement_timeout = 0",
		"SET LOCAL idle_in_transaction_session_timeout = 0")
}

func (postgresDialect) reason(err error) (string, bool) {
	failure, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return "", false
	}
	return failure.Message, true
}

func execute(ctx context.Context, conn *sql.Conn, statements ...string) error {
	for _, statement := range statements {
		if _, err := conn.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}
