// Package bulk reads and writes users in files: a JSON object on each line
// (NDJSON), or CSV with a header. A row is what /users/import takes, and all that
// it does not; docs/bulk-import.md has the table. Rows are held to the rules of
// package identity, in parallel, and stored batch by batch, each of which is one
// transaction that also says how far the input is done.
package bulk
