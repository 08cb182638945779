package repository

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	sq "github.com/Masterminds/squirrel"
	"github.com/google/uuid"

	"barong/internal/journal"
)

// journalColumns are the columns of a sealed row.
var journalColumns = columns[journal.Row]{
	field(journalTable.name, journalTable.seq, "int8", func(r *journal.Row) *int64 { return &r.Seq }),
	field(journalTable.name, journalTable.sealedAt, "timestamptz", func(r *journal.Row) *time.Time { return &r.SealedAt }),
	field(journalTable.name, journalTable.entry, "uuid", func(r *journal.Row) *uuid.UUID { return &r.Record.Entry }),
	field(journalTable.name, journalTable.uid, "text", func(r *journal.Row) **string { return &r.UID }),
	field(journalTable.name, journalTable.writtenAt, "timestamptz", func(r *journal.Row) *time.Time { return &r.Record.At }),
	field(journalTable.name, journalTable.operation, "text", func(r *journal.Row) *string { return &r.Record.Operation }),
	field(journalTable.name, journalTable.form, "text", func(r *journal.Row) *journal.Form { return &r.Record.Form }),
	field(journalTable.name, journalTable.requestID, "text", func(r *journal.Row) *string { return &r.Record.RequestID }),
	field(journalTable.name, journalTable.signers, "text[]", func(r *journal.Row) *[]string { return &r.Record.Signers }),
	field(journalTable.name, journalTable.parameters, "bytea", func(r *journal.Row) *[]byte { return &r.Record.Parameters }),
	field(journalTable.name, journalTable.salt, "bytea", func(r *journal.Row) *[]byte { return &r.Record.Salt }),
	field(journalTable.name, journalTable.proof, "jsonb", func(r *journal.Row) **journal.Proof { return &r.Record.Proof }),
	field(journalTable.name, journalTable.payload, "text", func(r *journal.Row) **string { return &r.Payload }),
	field(journalTable.name, journalTable.changed, "jsonb", func(r *journal.Row) *json.RawMessage { return &r.Changed }),
}

var selectJournal = compile(limit(sq.Select(journalColumns.names()...).From(journalTable.name).
	Where(journalTable.seq+" > ?", arg("after")).OrderBy(journalTable.seq)))

// JournalAfter returns up to limit sealed rows with numbers above after, in order. A gap before the first
// row means that rows were pruned.
func (r *Repository) JournalAfter(ctx context.Context, after int64, limit int) ([]journal.Row, error) {
	rows, err := all(ctx, r, selectJournal, args{"after": after, "limit": limit}, journalColumns.targets)
	if err != nil {
		return nil, fmt.Errorf("the journal cannot be read: %w", err)
	}
	return rows, nil
}
