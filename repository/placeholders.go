package repository

import (
	"fmt"

	sq "github.com/Masterminds/squirrel"
)

// placeholder is the name of a value that comes with each call. It stands in a
// builder where the value would.
type placeholder string

// values are those of one call.
type values map[placeholder]any

// statement is SQL that squirrel has written once, whose values are named. One name
// may stand in several places.
type statement struct {
	sql    string
	places []placeholder // of $1, $2, …
}

// prepared writes a statement, whose builder numbers its placeholders with dollars.
// It panics where something else than a placeholder stands for a value: that is a
// mistake of this package.
func prepared(builder sq.Sqlizer) statement {
	sql, args, err := builder.ToSql()
	if err != nil {
		panic("repository: a statement that squirrel cannot write: " + err.Error())
	}
	s := statement{sql: sql, places: make([]placeholder, len(args))}
	for i, arg := range args {
		name, ok := arg.(placeholder)
		if !ok {
			panic(fmt.Sprintf("repository: %v stands in the place of a placeholder in %s", arg, sql))
		}
		s.places[i] = name
	}
	return s
}

// bind returns the values in the order of their places. It panics where one is
// missing: that is a mistake of this package.
func (s statement) bind(given values) []any {
	args := make([]any, len(s.places))
	for i, name := range s.places {
		value, ok := given[name]
		if !ok {
			panic("repository: no value is given for " + string(name))
		}
		args[i] = value
	}
	return args
}
