package repository

import (
	"strings"

	sq "github.com/Masterminds/squirrel"
)

// Squirrel has no verb for the SQL in this file, so that each is a helper, and none of
// it stands elsewhere: statements_test.go.

// columnList is names as SQL lists them.
func columnList(names ...string) string { return strings.Join(names, ", ") }

// qualified puts a table's alias before names.
func qualified(alias string, names ...string) []string {
	list := make([]string, len(names))
	for i, name := range names {
		list[i] = alias + "." + name
	}
	return list
}

// aliased is a table under an alias.
func aliased(table, alias string) string { return table + " AS " + alias }

// cte is one query of a WITH prefix.
type cte struct {
	name string // and columns in brackets, where it needs them
	body sq.Sqlizer
}

// with is the WITH prefix: squirrel builds single statements only.
func with(list ...cte) sq.Sqlizer { return ctes("WITH ", list) }

// withRecursive is with for a query that reads itself.
func withRecursive(list ...cte) sq.Sqlizer { return ctes("WITH RECURSIVE ", list) }

func ctes(keyword string, list []cte) sq.Sqlizer {
	texts, bodies := make([]string, len(list)), make([]any, len(list))
	for i, c := range list {
		texts[i], bodies[i] = c.name+" AS (?)", c.body
	}
	return sq.Expr(keyword+columnList(texts...), bodies...)
}

// unionAll appends the rows of other selects to those of the first; squirrel has no UNION.
func unionAll(first sq.SelectBuilder, others ...sq.SelectBuilder) sq.SelectBuilder {
	for _, other := range others {
		first = first.Suffix("UNION ALL").SuffixExpr(other)
	}
	return first
}

// exists is true where a select has rows; squirrel compares columns with values only.
func exists(rows sq.SelectBuilder) sq.Sqlizer { return sq.Expr("EXISTS (?)", rows) }

func notExists(rows sq.SelectBuilder) sq.Sqlizer { return sq.Expr("NOT EXISTS (?)", rows) }

// subselect is a select as a value.
func subselect(value sq.Sqlizer) sq.Sqlizer { return sq.Expr("(?)", value) }

// equalsSubselect compares a column with a select of one value.
func equalsSubselect(column string, value sq.SelectBuilder) sq.Sqlizer {
	return sq.Expr(column+" = (?)", value)
}

// anyOf is true where a column is one of an array of values: squirrel's IN has a
// placeholder for each value, and so a statement for each number of them.
func anyOf(column, sqlType string, values any) sq.Sqlizer {
	return sq.Expr(column+" = ANY(?::"+sqlType+"[])", values)
}

// typed is a value with its type, where Postgres cannot derive that from a column.
func typed(value arg, sqlType string) sq.Sqlizer { return sq.Expr("?::"+sqlType, value) }

// unnested is the elements of an array, one a row.
func unnested(value arg, sqlType string) sq.Sqlizer {
	return sq.Expr("unnest(?::"+sqlType+"[])", value)
}

// arrayOfRecords is an array of records, one for each row of a table that belongs to a
// user, in the order in which the rows were stored. records reads it.
func arrayOfRecords(table, owner, order, user string, columns []string) sq.Sqlizer {
	rows := sq.Select("ROW(" + columnList(qualified("r", columns...)...) + ")").From(aliased(table, "r")).
		Where("r." + owner + " = " + user).OrderBy("r." + order)
	return sq.Expr("ARRAY(?)", rows)
}

// lateral joins each row with those of a select that depends on it.
func lateral(rows sq.SelectBuilder, alias string) sq.Sqlizer {
	return sq.Expr("CROSS JOIN LATERAL (?) AS "+alias, rows)
}

// limit and limitOffset take the arguments limit and offset: squirrel prints the
// numbers, and so makes a statement for each.
func limit(rows sq.SelectBuilder) sq.SelectBuilder { return rows.Suffix("LIMIT ?", arg("limit")) }

func limitOffset(rows sq.SelectBuilder) sq.SelectBuilder {
	return rows.Suffix("LIMIT 1 OFFSET ?", arg("offset"))
}

// returning is the columns that a statement which writes hands back.
func returning(columns ...string) string { return "RETURNING " + columnList(columns...) }

// onConflictDoNothing leaves out rows that a unique index refuses; with columns, only
// those of the index on them.
func onConflictDoNothing(columns ...string) string {
	if len(columns) == 0 {
		return "ON CONFLICT DO NOTHING"
	}
	return "ON CONFLICT (" + columnList(columns...) + ") DO NOTHING"
}

// onConflictUpdate changes the row that is there instead: sets are assignments.
func onConflictUpdate(columns, sets []string) string {
	return "ON CONFLICT (" + columnList(columns...) + ") DO UPDATE SET " + columnList(sets...)
}

// onConflictReplace is onConflictUpdate with the values that were to be inserted.
func onConflictReplace(columns, replaced []string) string {
	sets := make([]string, len(replaced))
	for i, column := range replaced {
		sets[i] = column + " = excluded." + column
	}
	return onConflictUpdate(columns, sets)
}

// onlyWhere is the condition of onConflictUpdate.
func onlyWhere(condition string) string { return " WHERE " + condition }

// The locks that a select takes on rows. Rows that refer to a row may be inserted under
// forNoKeyUpdate, and wait under forUpdate.
const (
	forUpdate      = "FOR UPDATE OF u"
	forNoKeyUpdate = "FOR NO KEY UPDATE"
)

// text is a constant as SQL writes it. No constant of this package has a quote.
func text(constant string) string { return "'" + constant + "'" }

// oneOf is true where an expression is one of a few others.
func oneOf(expression string, others ...string) string {
	return expression + " = ANY(ARRAY[" + columnList(others...) + "])"
}
