package repository

import (
	"fmt"

	sq "github.com/Masterminds/squirrel"
	"github.com/jackc/pgx/v5"
)

// arg is the name of an argument that each call provides. Builders use it in place of the value.
type arg string

// args are the arguments of one call.
type args map[arg]any

// statement is SQL that squirrel has built once, and the arguments that it takes.
type statement struct {
	sql   string
	order []any // of $1, $2, …: an arg, or a value that is the same in every call

	// replanned makes the database plan each call with its values. Planning takes a tenth of a
	// millisecond. A generic plan for all values may read a million rows for a value that a hundred
	// rows have.
	replanned bool
}

// compile builds a statement. Squirrel takes some 10 µs for that, and each connection prepares a
// constant text once, so each shape of a statement is compiled once. Builders, including nested
// ones, use the placeholder ?, and compile numbers the placeholders. It panics where squirrel
// cannot build the statement, which is a bug of this package.
func compile(builder sq.Sqlizer) statement {
	sql, order, err := builder.ToSql()
	if err == nil {
		sql, err = sq.Dollar.ReplacePlaceholders(sql)
	}
	if err != nil {
		panic("repository: squirrel cannot build a statement: " + err.Error())
	}
	return statement{sql: sql, order: order}
}

// bind returns the values in the order of the placeholders. It panics where one is missing, which
// is a bug of this package.
func (s statement) bind(given args) []any {
	values := make([]any, 0, len(s.order)+1)
	if s.replanned {
		values = append(values, pgx.QueryExecModeCacheDescribe)
	}
	for _, value := range s.order {
		if name, ok := value.(arg); ok {
			if value, ok = given[name]; !ok {
				panic(fmt.Sprintf("repository: no argument %q for %s", name, s.sql))
			}
		}
		values = append(values, value)
	}
	return values
}
