package barongdb

import (
	"context"
	"database/sql"
	"time"

	sq "github.com/Masterminds/squirrel"
)

// snapshot is a connection with a transaction that reads one state of the database.
type snapshot struct {
	conn    *sql.Conn
	dialect dialect
	bytes   int // of all cells that were read
}

// snapshot begins to read. The caller ends it.
func (d *DB) snapshot(ctx context.Context) (*snapshot, error) {
	conn, err := d.pool.Conn(ctx)
	if err != nil {
		return nil, err
	}
	if err := d.dialect.begin(ctx, conn); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return &snapshot{conn: conn, dialect: d.dialect}, nil
}

// endTimeout limits how long the end of a snapshot waits for the database.
const endTimeout = 5 * time.Second

func (s *snapshot) end() {
	ctx, cancel := context.WithTimeout(context.Background(), endTimeout)
	defer cancel()
	_, _ = s.conn.ExecContext(ctx, "ROLLBACK") // nothing was written
	_ = s.conn.Close()
}

// statement is a SELECT that squirrel has built once.
type statement struct {
	sql     string
	columns int
}

// compile builds a statement whose arguments are given at each call. It panics where squirrel cannot, which
// is a bug of this package.
func compile(d dialect, columns []string, build func(sq.SelectBuilder) sq.SelectBuilder) statement {
	text, _, err := build(sq.Select(columns...).PlaceholderFormat(d.placeholders())).ToSql()
	if err != nil {
		panic("barongdb: squirrel cannot build a statement: " + err.Error())
	}
	return statement{text, len(columns)}
}

// read calls a function with the cells of each row, which are valid until it returns.
func (s *snapshot) read(ctx context.Context, of statement, each func(cells) error, args ...any) error {
	rows, err := s.conn.QueryContext(ctx, of.sql, args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // rows.Err tells what went wrong
	row := make(cells, of.columns)
	into := make([]any, of.columns)
	for i := range row {
		into[i] = &row[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		for _, cell := range row {
			s.bytes += len(cell)
		}
		if err := each(row); err != nil {
			return err
		}
	}
	return rows.Err()
}
