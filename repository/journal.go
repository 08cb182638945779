package repository

import (
	"bytes"
	"context"
	"slices"
	"sync"
	"time"

	sq "github.com/Masterminds/squirrel"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"barong/internal/journal"
)

// Recorded returns a repository whose next write is recorded: in the same transaction it inserts a row
// into the journal's inbox, unless the journal is off, and spends the record's keys. A key that is spent
// already is ErrKeySpent, and nothing is written. A record belongs to one write: the caller makes another
// one for the next. Reads ignore it.
func (r *Repository) Recorded(record *journal.Record) *Repository {
	return &Repository{db: r.db, lists: r.lists, unjournaled: r.unjournaled, record: record}
}

// WithoutJournal returns a repository that writes no rows into the journal's inbox. Keys are spent all the
// same.
func (r *Repository) WithoutJournal() *Repository {
	return &Repository{db: r.db, lists: r.lists, unjournaled: true, record: r.record}
}

// recording says which rows a write adds to its own.
type recording struct{ journaled, enforced, observed bool }

// recorded is a write in the shapes for all recordings. Each is built when it is first needed.
type recorded struct {
	build func(recording) sq.Sqlizer
	mu    sync.RWMutex
	built map[recording]statement
}

func newRecorded(build func(recording) sq.Sqlizer) *recorded {
	return &recorded{build: build, built: map[recording]statement{}}
}

func (w *recorded) shape(as recording) statement {
	w.mu.RLock()
	s, ok := w.built[as]
	w.mu.RUnlock()
	if !ok {
		s = compile(w.build(as))
		w.mu.Lock()
		w.built[as] = s
		w.mu.Unlock()
	}
	return s
}

// recording returns which rows the repository's record needs.
func (r *Repository) recording() (as recording) {
	if r.record == nil {
		return as
	}
	as.journaled = !r.unjournaled
	for _, key := range r.record.Keys {
		as.enforced = as.enforced || key.Enforced
		as.observed = as.observed || !key.Enforced
	}
	return as
}

// write returns the statement of a write in the shape that the record needs, and its values.
func (r *Repository) write(w *recorded, given args) (sql string, values []any) {
	as := r.recording()
	if as != (recording{}) {
		bindRecord(given, r.record)
	}
	s := w.shape(as)
	return s.sql, s.bind(given)
}

// execWrite is exec for a write that is recorded.
func (r *Repository) execWrite(ctx context.Context, w *recorded, given args) (affected int64, err error) {
	err = r.sendWrite(ctx, w, given, func(written *pgx.QueuedQuery) {
		written.Exec(func(tag pgconn.CommandTag) error {
			affected = tag.RowsAffected()
			return nil
		})
	})
	return affected, err
}

// idOfWrite is one for a write that is recorded and returns an id.
func (r *Repository) idOfWrite(ctx context.Context, w *recorded, given args) (id int64, err error) {
	err = r.sendWrite(ctx, w, given, func(written *pgx.QueuedQuery) {
		written.QueryRow(func(row pgx.Row) error { return row.Scan(&id) })
	})
	return id, err
}

// sendWrite sends a write that is the only one of its transaction, in one round trip.
func (r *Repository) sendWrite(ctx context.Context, w *recorded, given args, read func(*pgx.QueuedQuery)) error {
	batch := &pgx.Batch{}
	r.queueRepetition(batch)
	read(r.queueWrite(batch, w, given))
	return translate(r.db.SendBatch(ctx, batch).Close())
}

// queueWrite queues a write with what the record needs.
func (r *Repository) queueWrite(batch *pgx.Batch, w *recorded, given args) *pgx.QueuedQuery {
	sql, values := r.write(w, given)
	return batch.Queue(sql, values...)
}

// The arguments of a record.
const (
	entryArg       = arg("entry")
	recordText     = arg("record")
	recordSalt     = arg("salt")
	recordAt       = arg("record at")
	enforcedKeys   = arg("enforced keys")
	enforcedPrints = arg("enforced fingerprints")
	enforcedUntil  = arg("enforced until")
	observedKeys   = arg("observed keys")
	observedPrints = arg("observed fingerprints")
	observedUntil  = arg("observed until")

	enforcedAnswers = arg("enforced answers")
	observedAnswers = arg("observed answers")
)

// bindRecord adds the arguments of a record. Keys are sorted, so that two transactions with the same keys
// cannot deadlock.
func bindRecord(given args, record *journal.Record) {
	given[entryArg], given[recordText], given[recordSalt], given[recordAt] = record.Entry, record.Text(), record.Salt, record.At
	keys := slices.SortedFunc(slices.Values(record.Keys), func(a, b journal.Key) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	for _, list := range []struct {
		enforced                     bool
		ids, prints, untils, answers arg
	}{{true, enforcedKeys, enforcedPrints, enforcedUntil, enforcedAnswers}, {false, observedKeys, observedPrints, observedUntil, observedAnswers}} {
		var ids, prints, answers [][]byte
		var untils []time.Time
		for _, key := range keys {
			if key.Enforced == list.enforced {
				ids, prints, untils = append(ids, key.ID[:]), append(prints, key.Fingerprint[:]), append(untils, key.Until)
				answers = append(answers, key.Answer)
			}
		}
		given[list.ids], given[list.prints], given[list.untils], given[list.answers] = ids, prints, untils, answers
	}
}

// parts returns the queries of a WITH prefix that record a write. They write one row of the inbox, and the
// keys, for the one row of the query named source, and nothing where source has none: a refused write
// leaves no trace. uid is whose record it is, changed the journal.Changes as JSON, and answer what a
// repetition needs, as bytea; all three are expressions over source. Without an answer, each key has the
// one that its journal.Key has.
func (as recording) parts(source string, uid, changed, answer sq.Sqlizer) []cte {
	var parts []cte
	if as.journaled {
		parts = append(parts, cte{"journaled", insertRow(uid, changed, func(row sq.SelectBuilder) sq.SelectBuilder { return row.From(source) })})
	}
	return append(parts, as.keys(source, answer)...)
}

// insertRow inserts the row of a record into the inbox, where the select that complete returns has a row.
func insertRow(uid, changed sq.Sqlizer, complete func(sq.SelectBuilder) sq.SelectBuilder) sq.InsertBuilder {
	return sq.Insert(inboxTable.name).
		Columns(inboxTable.entry, inboxTable.uid, inboxTable.record, inboxTable.salt, inboxTable.changed).
		Select(complete(sq.Select().Column(typed(entryArg, "uuid")).Column(uid).Column(typed(recordText, "text")).Column(typed(recordSalt, "bytea")).Column(changed)))
}

// keys returns the queries that spend the keys of a record for the one row of source.
func (as recording) keys(source string, answer sq.Sqlizer) []cte {
	var parts []cte
	if as.enforced {
		parts = append(parts, cte{"spent", spend(source, enforcedKeys, enforcedPrints, enforcedUntil, answerOr(answer, enforcedAnswers))})
	}
	if as.observed {
		parts = append(parts, cte{"noted", spend(source, observedKeys, observedPrints, observedUntil, answerOr(answer, observedAnswers)).Suffix(onConflictDoNothing())})
	}
	return parts
}

// answerOr is an answer, or without one those of the keys.
func answerOr(answer sq.Sqlizer, ofKeys arg) sq.Sqlizer {
	if answer == nil {
		return unnested(ofKeys, "bytea")
	}
	return answer
}

// answerOfKeys makes recording.parts store the answers of the keys.
var answerOfKeys sq.Sqlizer

func spend(source string, keys, prints, untils arg, answer sq.Sqlizer) sq.InsertBuilder {
	return sq.Insert(keysTable.name).
		Columns(keysTable.key, keysTable.fingerprint, keysTable.until, keysTable.entry, keysTable.spentAt, keysTable.answer).
		Select(sq.Select().Column(unnested(keys, "bytea")).Column(unnested(prints, "bytea")).Column(unnested(untils, "timestamptz")).
			Column(typed(entryArg, "uuid")).Column(typed(recordAt, "timestamptz")).Column(answer).From(source))
}

// noAnswer is the answer of a write whose response can be read anew.
var noAnswer = sq.Expr("NULL::bytea")

// nothingChanged is the changes of a write that left everything as it was.
var nothingChanged = sq.Expr(text("{}") + "::json")

// journaledColumns are the columns of users that a journal.Account has.
var journaledColumns = []string{usersTable.level, usersTable.state, usersTable.role, usersTable.otp}

// accountIn is the journal.Account of a query with journaledColumns.
func accountIn(source string) sq.Sqlizer {
	column := func(name string) sq.Sqlizer { return sq.Expr(source + "." + name) }
	return jsonObject("level", column(usersTable.level), "state", column(usersTable.state), "role", column(usersTable.role), "otp", column(usersTable.otp))
}

// accountBefore is the account of the user with a uid as it is before the statement, as a journal.Account.
var accountBefore = subselect(sq.Select().Column(accountIn(usersTable.name)).From(usersTable.name).Where(isUser(usersTable.name)))
