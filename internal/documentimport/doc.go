// Package documentimport stores the documents of another system with their files: those of Barong,
// from its database, or those that a file of NDJSON lists.
package documentimport
