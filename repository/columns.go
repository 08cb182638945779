package repository

import (
	"slices"

	sq "github.com/Masterminds/squirrel"
)

// column maps a column of a table to a field of a noun.
type column[T any] struct {
	name    string
	sqlType string // the name of the type in pgtype
	arg     arg    // takes the field's value, or an array of the values of several nouns
	target  func(*T) any
	value   func(*T) any
	array   func([]T) any
}

// field makes a column of a table. The table's name makes the name of its argument unique.
func field[T, V any](table, name, sqlType string, of func(*T) *V) column[T] {
	return column[T]{
		name: name, sqlType: sqlType, arg: arg(table + "." + name),
		target: func(noun *T) any { return of(noun) },
		value:  func(noun *T) any { return *of(noun) },
		array: func(nouns []T) any {
			values := make([]V, len(nouns))
			for i := range nouns {
				values[i] = *of(&nouns[i])
			}
			return values
		},
	}
}

// withValue returns the column with another encoding of the field.
func (c column[T]) withValue(value func(*T) any) column[T] {
	c.value = value
	return c
}

// columns are the columns of a noun. All statements that read or write the noun derive from them.
type columns[T any] []column[T]

func (list columns[T]) names() []string {
	names := make([]string, len(list))
	for i, c := range list {
		names[i] = c.name
	}
	return names
}

// targets returns the scan targets in a noun for a row of these columns.
func (list columns[T]) targets(noun *T) []any {
	return list.appendTargets(make([]any, 0, len(list)), noun)
}

func (list columns[T]) appendTargets(to []any, noun *T) []any {
	for i := range list {
		to = append(to, list[i].target(noun))
	}
	return to
}

// appendValues appends the values of a noun, for a row of COPY.
func (list columns[T]) appendValues(to []any, noun *T) []any {
	for i := range list {
		to = append(to, list[i].value(noun))
	}
	return to
}

// bind adds the values of a noun to the arguments.
func (list columns[T]) bind(given args, noun *T) {
	for i := range list {
		given[list[i].arg] = list[i].value(noun)
	}
}

// bindArrays adds the values of several nouns to the arguments.
func (list columns[T]) bindArrays(given args, nouns []T) {
	for i := range list {
		given[list[i].arg] = list[i].array(nouns)
	}
}

// selectArgs adds the arguments of bind to a select.
func (list columns[T]) selectArgs(to sq.SelectBuilder) sq.SelectBuilder {
	for _, c := range list {
		to = to.Column(typed(c.arg, c.sqlType))
	}
	return to
}

// selectArrays adds the arguments of bindArrays to a select, which returns one noun per row.
func (list columns[T]) selectArrays(to sq.SelectBuilder) sq.SelectBuilder {
	for _, c := range list {
		to = to.Column(unnested(c.arg, c.sqlType))
	}
	return to
}

// only returns the columns with these names, in the order of the list.
func (list columns[T]) only(names ...string) columns[T] {
	var chosen columns[T]
	for _, c := range list {
		if slices.Contains(names, c.name) {
			chosen = append(chosen, c)
		}
	}
	return chosen
}

// arg returns the argument of a column.
func (list columns[T]) arg(name string) arg { return list.only(name)[0].arg }

// set adds assignments of the arguments of bind to an update.
func (list columns[T]) set(to sq.UpdateBuilder) sq.UpdateBuilder {
	for _, c := range list {
		to = to.Set(c.name, c.arg)
	}
	return to
}
