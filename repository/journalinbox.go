package repository

import (
	"context"
	"time"

	sq "github.com/Masterminds/squirrel"

	"barong/internal/journal"
)

// countedUnsealed bounds the count of rows of the inbox.
const countedUnsealed = 100_000

var (
	insertNote = compile(sq.Insert(inboxTable.name).Columns(inboxTable.entry, inboxTable.uid, inboxTable.record, inboxTable.salt, inboxTable.changed).
			Values(entryArg, arg("uid"), recordText, recordSalt, arg("changed")))

	countUnsealed = compile(sq.Select("count(*)").FromSelect(sq.Select(inboxTable.id).From(inboxTable.name).Limit(countedUnsealed), "waiting"))

	selectOldestUnsealed = compile(sq.Select(inboxTable.record).From(inboxTable.name).OrderBy(inboxTable.id).Limit(1))
)

// note inserts a row into the inbox for a write of the journal itself, which is recorded even where the
// journal is off.
func (r *Repository) note(ctx context.Context, uid *string, changes journal.Changes) error {
	given := args{"uid": uid, "changed": changes}
	bindRecord(given, r.record)
	_, err := r.exec(ctx, insertNote, given)
	return err
}

// Unsealed returns the number of rows of the inbox, at most 100,000, and when the oldest one was written;
// the zero time without rows.
func (r *Repository) Unsealed(ctx context.Context) (rows int64, oldest time.Time, err error) {
	if rows, err = one(ctx, r, countUnsealed, args{}, single[int64]); err != nil || rows == 0 {
		return rows, oldest, err
	}
	first, err := all(ctx, r, selectOldestUnsealed, args{}, single[string])
	if err != nil || len(first) == 0 {
		return rows, oldest, err
	}
	record, err := journal.ParseRecord(first[0])
	if err != nil {
		return rows, oldest, err
	}
	return rows, record.At, nil
}
