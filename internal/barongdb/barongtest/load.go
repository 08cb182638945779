package barongtest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/stdlib"
)

// row is a row of a table in the order of the columns given to load. A value is nil, a string, an int, an
// int64, a bool, a time.Time or a pointer to one of them.
type row []any

// load copies rows into a table, in the form that both databases read: LOAD DATA and COPY.
func (d *Database) load(ctx context.Context, name string, columns []string, rows iter.Seq[row]) error {
	reader, writer := io.Pipe()
	go func() {
		buffered := bufio.NewWriterSize(writer, 1<<16)
		for row := range rows {
			if _, err := buffered.Write(d.line(row)); err != nil {
				return // the reader has its own error
			}
		}
		_ = writer.CloseWithError(buffered.Flush())
	}()
	err := d.copyFrom(ctx, name, columns, reader)
	_ = reader.CloseWithError(errors.New("the copy has ended"))
	if err != nil {
		return fmt.Errorf("filling %s: %w", name, err)
	}
	return nil
}

func (d *Database) copyFrom(ctx context.Context, name string, columns []string, text io.Reader) error {
	if d.mysql {
		handler := fmt.Sprintf("load-%d", server.databases.Add(1))
		mysql.RegisterReaderHandler(handler, func() io.Reader { return text })
		defer mysql.DeregisterReaderHandler(handler)
		_, err := d.SQL.ExecContext(ctx, "LOAD DATA LOCAL INFILE 'Reader::"+handler+"' INTO TABLE "+name+" CHARACTER SET utf8mb4 (`"+strings.Join(columns, "`,`")+"`)")
		return err
	}
	conn, err := d.SQL.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	return conn.Raw(func(driver any) error {
		_, err := driver.(*stdlib.Conn).Conn().PgConn().CopyFrom(ctx, text, "COPY "+name+` ("`+strings.Join(columns, `","`)+`") FROM STDIN`)
		return err
	})
}

var escapes = strings.NewReplacer("\\", "\\\\", "\t", "\\t", "\n", "\\n", "\r", "\\r", "\x00", "\\0")

// line writes a row as both databases read it: fields with tabs between them, \N for null.
func (d *Database) line(row row) []byte {
	var text []byte
	for i, value := range row {
		if i > 0 {
			text = append(text, '\t')
		}
		switch v := plain(value).(type) {
		case nil:
			text = append(text, `\N`...)
		case string:
			text = append(text, escapes.Replace(v)...)
		case int:
			text = strconv.AppendInt(text, int64(v), 10)
		case int64:
			text = strconv.AppendInt(text, v, 10)
		case bool:
			text = append(text, map[bool]byte{false: '0', true: '1'}[v])
		case time.Time:
			text = v.AppendFormat(text, time.DateTime)
		default:
			panic(fmt.Sprintf("barongtest: no column holds a %T", value))
		}
	}
	return append(text, '\n')
}

// plain returns what a pointer points to.
func plain(value any) any {
	switch v := value.(type) {
	case *string:
		if v != nil {
			return *v
		}
		return nil
	case *time.Time:
		if v != nil {
			return *v
		}
		return nil
	default:
		return value
	}
}
