package repository

import (
	"context"
	"errors"
	"time"

	sq "github.com/Masterminds/squirrel"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"barong/internal/problem"
)

// ErrKeySpent is the error of a write one of whose keys is spent: nothing was written. Who asks
// SpentKeys learns by whom.
var ErrKeySpent = &problem.Error{Kind: problem.Conflict, Detail: "The request is being executed, try again later", RetryAfter: time.Second}

// keysConstraint is the name of the primary key of idempotency_keys.
const keysConstraint = "idempotency_keys_pkey"

// isKeySpent reports that a key of the record is spent.
func isKeySpent(err error) bool {
	var pgErr *pgconn.PgError
	return errors.Is(err, ErrKeySpent) || errors.As(err, &pgErr) && pgErr.Code == "23505" && pgErr.ConstraintName == keysConstraint
}

// SpentKey is a key of a request that was executed.
type SpentKey struct {
	ID, Fingerprint []byte
	Entry           uuid.UUID // of the journal
	SpentAt         time.Time
	Until           time.Time // after that it is forgotten
	Answer          []byte    // nil: none
}

var spentKeyColumns = columns[SpentKey]{
	field(keysTable.name, keysTable.key, "bytea", func(k *SpentKey) *[]byte { return &k.ID }),
	field(keysTable.name, keysTable.fingerprint, "bytea", func(k *SpentKey) *[]byte { return &k.Fingerprint }),
	field(keysTable.name, keysTable.entry, "uuid", func(k *SpentKey) *uuid.UUID { return &k.Entry }),
	field(keysTable.name, keysTable.spentAt, "timestamptz", func(k *SpentKey) *time.Time { return &k.SpentAt }),
	field(keysTable.name, keysTable.until, "timestamptz", func(k *SpentKey) *time.Time { return &k.Until }),
	field(keysTable.name, keysTable.answer, "bytea", func(k *SpentKey) *[]byte { return &k.Answer }),
}

var (
	selectSpentKeys = compile(sq.Select(spentKeyColumns.names()...).From(keysTable.name).
			Where(anyOf(keysTable.key, "bytea", enforcedKeys)).OrderBy(keysTable.key))

	// findSpent is true where one of the enforced keys is spent.
	findSpent = compile(sq.Select().Column(exists(sq.Select("1").From(keysTable.name).Where(anyOf(keysTable.key, "bytea", enforcedKeys)))))

	// findRepeated is true where another write has spent one of the observed keys.
	findRepeated = compile(sq.Select().Column(exists(sq.Select("1").From(keysTable.name).
			Where(anyOf(keysTable.key, "bytea", observedKeys)).Where(keysTable.entry+" <> ?::uuid", entryArg))))

	deleteExpiredOfRecord = compile(sq.Delete(keysTable.name).Where(anyOf(keysTable.key, "bytea", enforcedKeys)).Where(keysTable.until+" < ?", recordAt))

	// selectKeyPage selects a page of keys in the order of the primary key, with whether their time is over.
	selectKeyPage = compile(limit(sq.Select(spentKeyColumns.only(keysTable.key, keysTable.until).names()...).From(keysTable.name).
			Where(keysTable.key+" > ?", arg("after")).OrderBy(keysTable.key)))

	deleteExpired = compile(sq.Delete(keysTable.name).Where(anyOf(keysTable.key, "bytea", arg("keys"))).Where(keysTable.until+" < ?", arg("now")))
)

// SpentKeys returns those enforced keys of the record that are spent.
func (r *Repository) SpentKeys(ctx context.Context) ([]SpentKey, error) {
	given := args{}
	bindRecord(given, r.record)
	return all(ctx, r, selectSpentKeys, given, spentKeyColumns.targets)
}

// KeysUnspent returns ErrKeySpent where an enforced key of the record is spent. It is for operations that
// upload first and have no other question before.
func (r *Repository) KeysUnspent(ctx context.Context) error {
	if !r.recording().enforced {
		return nil
	}
	given := args{}
	bindRecord(given, r.record)
	spent, err := one(ctx, r, findSpent, given, single[bool])
	if err == nil && spent {
		err = ErrKeySpent
	}
	return err
}

// ForgetExpiredKeys deletes those enforced keys of the record whose time is over.
func (r *Repository) ForgetExpiredKeys(ctx context.Context) error {
	given := args{}
	bindRecord(given, r.record)
	_, err := r.exec(ctx, deleteExpiredOfRecord, given)
	return err
}

// queueRepetition queues the question whether an observed key was spent before, where the record has such
// keys. It belongs before the write and after the lock of the user's row.
func (r *Repository) queueRepetition(batch *pgx.Batch) {
	if !r.recording().observed {
		return
	}
	given := args{}
	bindRecord(given, r.record)
	batch.Queue(findRepeated.sql, findRepeated.bind(given)...).QueryRow(func(row pgx.Row) error { return row.Scan(&r.record.Repeated) })
}

// sweepPage is the number of keys that a sweep reads at a time.
const sweepPage = 1000

// SweepKeys deletes the keys whose time is over at now, page by page in the order of the primary key, and
// returns how many. It pauses between pages for as long as a page took, so that it takes at most half of a
// connection. Keys that are spent meanwhile are left to the next sweep.
func (r *Repository) SweepKeys(ctx context.Context, now time.Time) (swept int64, err error) {
	for after := []byte{}; ; {
		started := time.Now()
		page, err := all(ctx, r, selectKeyPage, args{"after": after, "limit": sweepPage}, spentKeyColumns.only(keysTable.key, keysTable.until).targets)
		if err != nil || len(page) == 0 {
			return swept, err
		}
		after = page[len(page)-1].ID
		var expired [][]byte
		for _, key := range page {
			if key.Until.Before(now) {
				expired = append(expired, key.ID)
			}
		}
		if len(expired) > 0 {
			n, err := r.exec(ctx, deleteExpired, args{"keys": expired, "now": now})
			if err != nil {
				return swept, err
			}
			swept += n
		}
		select {
		case <-ctx.Done():
			return swept, ctx.Err()
		case <-time.After(time.Since(started)):
		}
	}
}

// firstQuestion is one for the first question of an operation that hashes or uploads before it writes: in
// the same round trip it asks whether a key of the record is spent, which is ErrKeySpent.
func firstQuestion[T any](ctx context.Context, r *Repository, s statement, given args, fields targets[T]) (value T, err error) {
	if !r.recording().enforced {
		return one(ctx, r, s, given, fields)
	}
	keys := args{}
	bindRecord(keys, r.record)
	spent := false
	batch := &pgx.Batch{}
	batch.Queue(findSpent.sql, findSpent.bind(keys)...).QueryRow(func(row pgx.Row) error { return row.Scan(&spent) })
	var failure error
	batch.Queue(s.sql, s.bind(given)...).QueryRow(func(row pgx.Row) error {
		failure = row.Scan(fields(&value)...)
		return nil
	})
	err = r.db.SendBatch(ctx, batch).Close()
	switch {
	case err != nil:
		return value, translate(err)
	case spent:
		return value, ErrKeySpent
	}
	return value, translate(failure)
}
