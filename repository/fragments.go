package repository

import (
	"slices"
	"strings"

	sq "github.com/Masterminds/squirrel"
)

// The helpers in this file produce SQL that squirrel has no method for. No other file contains such
// SQL: statements_test.go checks that.

// columnList joins names as a SQL list.
func columnList(names ...string) string { return strings.Join(names, ", ") }

// qualified puts a table's alias before names.
func qualified(alias string, names ...string) []string {
	list := make([]string, len(names))
	for i, name := range names {
		list[i] = alias + "." + name
	}
	return list
}

// aliased is a table or an expression under an alias.
func aliased(table, alias string) string { return table + " AS " + alias }

// cte is one query of a WITH prefix.
type cte struct {
	name string // followed by the columns in brackets, where needed
	body sq.Sqlizer
}

// with returns a WITH prefix: squirrel builds single statements only.
func with(list ...cte) sq.Sqlizer { return ctes("WITH ", list) }

// withRecursive is with for a query that refers to itself.
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

// subselect uses a select as a value.
func subselect(value sq.Sqlizer) sq.Sqlizer { return sq.Expr("(?)", value) }

// equalsSubselect compares a column with a select of one value.
func equalsSubselect(column string, value sq.SelectBuilder) sq.Sqlizer {
	return sq.Expr(column+" = (?)", value)
}

// anyOf is true where a column equals an element of an array. Squirrel's IN has one placeholder for
// each value, and would produce a statement for each number of values.
func anyOf(column, sqlType string, values any) sq.Sqlizer {
	return sq.Expr(column+" = ANY(?::"+sqlType+"[])", values)
}

// noneOf is true where a column equals no value of a select.
func noneOf(column string, values sq.SelectBuilder) sq.Sqlizer {
	return sq.Expr(column+" <> ALL(ARRAY(?))", values)
}

// atPlacesOf is the condition on the rows that a select of ctid returns. They are read by their places,
// whatever the planner believes of the table.
func atPlacesOf(places sq.SelectBuilder) sq.Sqlizer { return sq.Expr("ctid = ANY(ARRAY(?))", places) }

// typed is a value with an explicit type, where Postgres cannot derive it from a column.
func typed(value arg, sqlType string) sq.Sqlizer { return sq.Expr("?::"+sqlType, value) }

// unnested returns the elements of an array as rows.
func unnested(value arg, sqlType string) sq.Sqlizer {
	return sq.Expr("unnest(?::"+sqlType+"[])", value)
}

// arrayOfRecords selects the rows of a table that belong to a user as an array of records, in the
// order in which the rows were stored. The type records reads it.
func arrayOfRecords(table, owner, order, user string, columns []string) sq.Sqlizer {
	rows := sq.Select("ROW(" + columnList(qualified("r", columns...)...) + ")").From(aliased(table, "r")).
		Where("r." + owner + " = " + user).OrderBy("r." + order)
	return sq.Expr("ARRAY(?)", rows)
}

// arrayOf selects rows as an array of records, for the type records.
func arrayOf(rows sq.SelectBuilder) sq.Sqlizer {
	return sq.Expr("ARRAY(SELECT ROW(r.*) FROM (?) AS r)", rows)
}

// jsonObject is a JSON object of names and values in turn. A value is an expression, or a constant text or
// argument.
func jsonObject(namesAndValues ...any) sq.Sqlizer {
	members := make([]string, 0, len(namesAndValues)/2)
	values := make([]any, 0, len(namesAndValues)/2)
	for member := range slices.Chunk(namesAndValues, 2) {
		members = append(members, text(member[0].(string))+", ?")
		values = append(values, member[1:]...)
	}
	return sq.Expr("json_build_object("+columnList(members...)+")", values...)
}

// jsonArray is a JSON array of expressions.
func jsonArray(elements ...any) sq.Sqlizer {
	return sq.Expr("json_build_array("+sq.Placeholders(len(elements))+")", elements...)
}

// jsonMerged is a JSON object with the members of several, which have different names. The text of each loses
// its braces: building text takes half the time of jsonb, whose operator || would merge them.
func jsonMerged(objects ...any) sq.Sqlizer {
	members := strings.Repeat(", nullif(left(right((?)::text, -1), -1), '')", len(objects))
	return sq.Expr("('{' || concat_ws(','"+members+") || '}')::json", objects...)
}

// jsonArrayOf is a JSON array of an expression in all rows, in an order; NULL without rows.
func jsonArrayOf(element sq.Sqlizer, order string) sq.Sqlizer {
	return sq.Expr("json_agg(? ORDER BY "+order+")", element)
}

// jsonOf is an array as a JSON array.
func jsonOf(values arg, sqlType string) sq.Sqlizer {
	return sq.Expr("to_json(?::"+sqlType+"[])", values)
}

// utf8Of is the text of a JSON expression as bytea.
func utf8Of(json sq.Sqlizer) sq.Sqlizer {
	return sq.Expr("convert_to((?)::text, "+text("UTF8")+")", json)
}

// lateral joins each row with the rows of a select that depends on it.
func lateral(rows sq.SelectBuilder, alias string) sq.Sqlizer {
	return sq.Expr("CROSS JOIN LATERAL (?) AS "+alias, rows)
}

// limit and limitOffset take LIMIT and OFFSET as arguments: squirrel prints the numbers, and would
// produce a statement for each number.
func limit(rows sq.SelectBuilder) sq.SelectBuilder { return rows.Suffix("LIMIT ?", arg("limit")) }

func limitOffset(rows sq.SelectBuilder) sq.SelectBuilder {
	return rows.Suffix("LIMIT 1 OFFSET ?", arg("offset"))
}

// returning is the RETURNING clause of a statement that writes.
func returning(columns ...string) string { return "RETURNING " + columnList(columns...) }

// onConflictDoNothing skips rows that violate a unique index; with columns, only violations of the
// index on these columns.
func onConflictDoNothing(columns ...string) string {
	if len(columns) == 0 {
		return "ON CONFLICT DO NOTHING"
	}
	return "ON CONFLICT (" + columnList(columns...) + ") DO NOTHING"
}

// onConflictUpdate applies the assignments sets to the existing row.
func onConflictUpdate(columns, sets []string) string {
	return "ON CONFLICT (" + columnList(columns...) + ") DO UPDATE SET " + columnList(sets...)
}

// onConflictReplace is onConflictUpdate with the values of the new row.
func onConflictReplace(columns, replaced []string) string {
	sets := make([]string, len(replaced))
	for i, column := range replaced {
		sets[i] = column + " = excluded." + column
	}
	return onConflictUpdate(columns, sets)
}

// onlyWhere restricts onConflictUpdate.
func onlyWhere(condition string) string { return " WHERE " + condition }

// Row locks of a select. Under forNoKeyUpdate, other transactions can insert rows that refer to the
// locked row; under forUpdate they wait. Under forShare nobody changes the row.
const (
	forUpdate      = "FOR UPDATE OF u"
	forNoKeyUpdate = "FOR NO KEY UPDATE"
	forShare       = "FOR SHARE"
	forHead        = "FOR UPDATE OF h"
	forFreeHead    = "FOR UPDATE OF h SKIP LOCKED" // without a row where another transaction holds the lock
)

// text quotes a constant for SQL. No constant of this package contains a quote.
func text(constant string) string { return "'" + constant + "'" }

// oneOf is true where an expression equals one of the others.
func oneOf(expression string, others ...string) string {
	return expression + " = ANY(ARRAY[" + columnList(others...) + "])"
}
