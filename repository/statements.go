package repository

import (
	sq "github.com/Masterminds/squirrel"
)

// argument stands for what a compiled statement is run with.
var argument any

// compile writes a statement that never changes as the text that a connection
// prepares once. Its arguments come with each run, in the order of their places:
// those in the builder only hold them.
func compile(statement sq.Sqlizer) string {
	text, _, err := statement.ToSql()
	if err != nil {
		panic("repository: a statement that squirrel cannot write: " + err.Error())
	}
	return text
}
