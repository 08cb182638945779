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
	field(journalTable.name, journalTable.proof, "json", func(r *journal.Row) **journal.Proof { return &r.Record.Proof }),
	field(journalTable.name, journalTable.payload, "text", func(r *journal.Row) **string { return &r.Payload }),
	field(journalTable.name, journalTable.changed, "json", func(r *journal.Row) *json.RawMessage { return &r.Changed }),
}

var (
	selectJournalOfUser = compile(limit(sq.Select(journalColumns.names()...).From(journalTable.name).
				Where(journalTable.uid+" = ?", arg("uid")).Where(journalTable.seq+" > ?", arg("after")).Where(journalTable.seq+" <= ?", arg("last")).
				OrderBy(journalTable.seq)))

	selectJournalSize = compile(sq.Select(headTable.size).From(headTable.name))

	// selectSealedAt finds the row with the least number from one on: numbers up to head.pruned have none.
	selectSealedAt = compile(limit(sq.Select(journalTable.seq, journalTable.sealedAt).From(journalTable.name).
			Where(journalTable.seq+" >= ?", arg("from")).OrderBy(journalTable.seq)))
)

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

// JournalOfUser is JournalAfter for the rows of one user with numbers up to last.
func (r *Repository) JournalOfUser(ctx context.Context, uid string, after, last int64, limit int) ([]journal.Row, error) {
	rows, err := all(ctx, r, selectJournalOfUser, args{"uid": uid, "after": after, "last": last, "limit": limit}, journalColumns.targets)
	if err != nil {
		return nil, fmt.Errorf("the journal cannot be read: %w", err)
	}
	return rows, nil
}

// JournalSize returns the number of the last sealed row, 0 without any.
func (r *Repository) JournalSize(ctx context.Context) (int64, error) {
	return one(ctx, r, selectJournalSize, args{}, single[int64])
}

// JournalBefore returns the number of the last row that was sealed before a time, or 0. Rows are sealed in
// the order of their numbers, so it needs no index on the time: it halves the journal some 20 times.
func (r *Repository) JournalBefore(ctx context.Context, at time.Time) (int64, error) {
	size, err := r.JournalSize(ctx)
	low, high := int64(0), size // the row is in low..high
	for err == nil && low < high {
		middle := low + (high-low+1)/2
		var found []journal.Row
		found, err = all(ctx, r, selectSealedAt, args{"from": middle, "limit": 1}, func(row *journal.Row) []any { return []any{&row.Seq, &row.SealedAt} })
		switch {
		case err != nil:
		case len(found) == 0 || !found[0].SealedAt.Before(at):
			high = middle - 1
		default:
			low = found[0].Seq
		}
	}
	return min(low, size), err
}
