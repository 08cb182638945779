// Package bulk imports and exports users as files: a JSON object on each line (NDJSON), or CSV with
// a header. It also imports them from the database of a Barong installation, whose users it converts
// to such rows and remembers, so that a later run brings what changed since. A row has the fields of /users/import and more; docs/bulk-import.md lists them. The
// package validates rows by the rules of package identity, in parallel, and stores them in batches.
// Each batch is one transaction that also records the progress of the import.
package bulk
