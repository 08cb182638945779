// Package barongsql writes users as a script of SQL that puts them into the database of Barong 2.3,
// from which they came: the way back.
//
// The script is text for a client of another database and is never run here. It has three parts:
// temporary tables (before.sql), their rows, and statements that bring Barong's tables up to date
// from them in one transaction (after.sql). The first and the last part are files, because squirrel
// has neither temporary tables nor updates with joins.
package barongsql
