package repository

import (
	"context"
	"encoding/json"
	"time"

	sq "github.com/Masterminds/squirrel"
	"github.com/google/uuid"

	"barong/internal/journal"
)

// sealedRowColumns are the columns of a sealed row, with the JSON as it is stored.
var sealedRowColumns = columns[journal.Sealed]{
	field(journalTable.name, journalTable.seq, "int8", func(s *journal.Sealed) *int64 { return &s.Seq }),
	field(journalTable.name, journalTable.sealedAt, "timestamptz", func(s *journal.Sealed) *time.Time { return &s.SealedAt }),
	field(journalTable.name, journalTable.entry, "uuid", func(s *journal.Sealed) *uuid.UUID { return &s.Entry }),
	field(journalTable.name, journalTable.uid, "text", func(s *journal.Sealed) **string { return &s.UID }),
	field(journalTable.name, journalTable.writtenAt, "timestamptz", func(s *journal.Sealed) *time.Time { return &s.WrittenAt }),
	field(journalTable.name, journalTable.operation, "text", func(s *journal.Sealed) *string { return &s.Operation }),
	field(journalTable.name, journalTable.form, "text", func(s *journal.Sealed) *journal.Form { return &s.Form }),
	field(journalTable.name, journalTable.requestID, "text", func(s *journal.Sealed) *string { return &s.RequestID }),
	field(journalTable.name, journalTable.signers, "text[]", func(s *journal.Sealed) *[]string { return &s.Signers }),
	field(journalTable.name, journalTable.parameters, "bytea", func(s *journal.Sealed) *[]byte { return &s.Parameters }),
	field(journalTable.name, journalTable.salt, "bytea", func(s *journal.Sealed) *[]byte { return &s.Salt }),
	field(journalTable.name, journalTable.proof, "json", func(s *journal.Sealed) *json.RawMessage { return &s.Proof }).
		withValue(func(s *journal.Sealed) any {
			if s.Proof == nil {
				return nil
			}
			return s.Proof
		}),
	field(journalTable.name, journalTable.payload, "text", func(s *journal.Sealed) **string { return &s.Payload }),
	field(journalTable.name, journalTable.changed, "json", func(s *journal.Sealed) *json.RawMessage { return &s.Changed }),
}

func sealedRows() sq.SelectBuilder {
	return sq.Select(sealedRowColumns.names()...).From(journalTable.name)
}

var (
	selectSealedAfter = compile(limit(sealedRows().Where(journalTable.seq+" > ?", arg("after")).OrderBy(journalTable.seq)))

	selectSealedOf = compile(limit(sealedRows().Where(journalTable.uid+" = ?", arg("uid")).
			Where(journalTable.seq+" > ?", arg("after")).OrderBy(journalTable.seq)))

	selectNewestSealedOf = compile(limit(sealedRows().Where(journalTable.uid+" = ?", arg("uid")).OrderBy(journalTable.seq + " DESC")))

	// clearSalts and the others leave nothing that a guess of the parameters, or of an answer, can be compared with.
	clearWaitingSalts = compile(sq.Update(inboxTable.name).Set(inboxTable.salt, nil).
				Where(inboxTable.uid+" = ?", arg("uid")).Where(inboxTable.salt + " IS NOT NULL"))
	clearSalts = compile(sq.Update(journalTable.name).Set(journalTable.salt, nil).
			Where(journalTable.uid+" = ?", arg("uid")).Where(journalTable.salt + " IS NOT NULL"))
	clearAnswers = compile(sq.Update(keysTable.name).Set(keysTable.answer, nil).Where(keysTable.answer + " IS NOT NULL").
			Where(sq.Expr(keysTable.entry+" IN (?)", sq.Select(journalTable.entry).From(journalTable.name).Where(journalTable.uid+" = ?", arg("uid")))))
	clearWaitingAnswers = compile(sq.Update(keysTable.name).Set(keysTable.answer, nil).Where(keysTable.answer + " IS NOT NULL").
				Where(sq.Expr(keysTable.entry+" IN (?)", sq.Select(inboxTable.entry).From(inboxTable.name).Where(inboxTable.uid+" = ?", arg("uid")))))
)

// SealedAfter returns up to limit sealed rows with numbers above after, in order, as they are stored.
func (r *Repository) SealedAfter(ctx context.Context, after int64, limit int) ([]journal.Sealed, error) {
	return all(ctx, r, selectSealedAfter, args{"after": after, "limit": limit}, sealedRowColumns.targets)
}

// SealedOf returns up to limit sealed rows of a uid with numbers above after, in order.
func (r *Repository) SealedOf(ctx context.Context, uid string, after int64, limit int) ([]journal.Sealed, error) {
	return all(ctx, r, selectSealedOf, args{"uid": uid, "after": after, "limit": limit}, sealedRowColumns.targets)
}

// NewestSealedOf returns up to limit sealed rows of a uid, the newest first.
func (r *Repository) NewestSealedOf(ctx context.Context, uid string, limit int) ([]journal.Sealed, error) {
	return all(ctx, r, selectNewestSealedOf, args{"uid": uid, "limit": limit}, sealedRowColumns.targets)
}

// EraseJournal removes what could confirm a guess of the parameters of a user's writes: the salts of its
// rows, and the stored answers of its requests. The rows and their place in the tree stay, and the erasure
// is recorded. It returns how many rows had a salt. Requests of the user must have ended: a row that is
// written later has its salt.
func (r *Repository) EraseJournal(ctx context.Context, uid string, record *journal.Record) (erased int64, err error) {
	err = r.InTx(ctx, func(tx *Repository) error {
		erased = 0
		// No sealer moves a row meanwhile.
		if _, err := one(ctx, tx, lockHead, args{}, (*JournalHead).targets); err != nil {
			return err
		}
		for _, clear := range []statement{clearWaitingAnswers, clearWaitingSalts, clearAnswers, clearSalts} {
			n, err := tx.exec(ctx, clear, args{"uid": uid})
			if err != nil {
				return err
			}
			erased += n
		}
		return tx.Recorded(record).note(ctx, &uid, journal.Changes{Erased: true})
	})
	return erased, err
}

// InSnapshot runs work, which only reads, on one snapshot of the database. It runs once.
func (r *Repository) InSnapshot(ctx context.Context, work func(*Repository) error) error {
	return r.snapshot(ctx, work)
}
