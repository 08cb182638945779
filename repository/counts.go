package repository

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
)

// The table user_counts holds how many users there are: for each block of ids
// the sum over its slots. Whatever inserts users adds to it in the same
// transaction, so that every snapshot has as many users as it counts
// (docs/adr/0005-kept-counts.md).
const (
	// countSlots is over how many rows of a block writers spread: a row stays
	// locked until its writer's commit is on the disk.
	countSlots = 16
	// foldedSlot is where RecountUsers gathers what the other slots hold.
	foldedSlot = countSlots
)

// lastSlot makes the writers of this server take turns, so that none meets
// another before all slots are in use. Servers start at different slots.
var lastSlot atomic.Uint32

func init() { lastSlot.Store(rand.Uint32()) } //nolint:gosec // chance keeps no secret

// countSlot is the slot that one statement or one batch of an import adds to.
// Within a transaction it is drawn once: two slots of one block could be locked
// in another order elsewhere.
func countSlot() int16 { return int16(lastSlot.Add(1) % countSlots) }

// addCount ends both statements below: the rows of a count are added to, or made.
const addCount = " ON CONFLICT (block, slot) DO UPDATE SET n = user_counts.n + excluded.n"

// countOne is the statement that counts one inserted user, or none. source is a
// table or a CTE with its id in the column id, slot the placeholder of a countSlot.
// It should be the last to lock anything in its transaction: a slot is shared with
// others.
func countOne(source, slot string) string {
	return "INSERT INTO user_counts (block, slot, n) SELECT id >> 17, " + slot + "::smallint, 1 FROM " + source + addCount
}

// countMany is countOne for any number of users. Blocks are locked in order.
func countMany(source, slot string) string {
	return "INSERT INTO user_counts (block, slot, n) SELECT id >> 17, " + slot + "::smallint, count(*) FROM " + source +
		" GROUP BY id >> 17 ORDER BY id >> 17" + addCount
}

// recount mends the counts in one statement. What users hold and what is counted
// are read in one snapshot, in which every transaction that counts is there as a
// whole or not at all: their difference is what was never counted, however many
// write meanwhile. It is added, as they add. Rows of the other slots are folded
// into one, so that a total sums fewer.
const recount = `
	WITH missed AS (
		SELECT block, sum(n) AS n FROM (
			SELECT id >> 17 AS block, count(*) AS n FROM users GROUP BY id >> 17
			UNION ALL
			SELECT block, -n FROM user_counts
		) AS both_sides GROUP BY block
	), folded AS (
		DELETE FROM user_counts WHERE slot <> $1 RETURNING block, n
	), mended AS (
		INSERT INTO user_counts (block, slot, n)
		SELECT block, $1, sum(n) FROM (SELECT block, n FROM missed UNION ALL SELECT block, n FROM folded) AS parts
		GROUP BY block ORDER BY block` + addCount + `
	)
	SELECT coalesce(sum(abs(n)), 0)::bigint AS wrong, coalesce(sum(n), 0)::bigint AS missed FROM missed`

// Recounted is what RecountUsers found.
type Recounted struct {
	Total  int64 // users, by the mended counts
	Missed int64 // by how much the total was too low; negative where it was too high
	Wrong  int64 // the same, added up without regard to the sign, block by block
}

// RecountUsers brings the counts in line with the users that are there, after
// something inserted or deleted users without counting. Servers may write
// meanwhile. Two recounts take turns.
func (r *Repository) RecountUsers(ctx context.Context) (found Recounted, err error) {
	err = r.InTx(ctx, func(tx *Repository) error {
		// The turn: a row that every recount changes, in a statement of its own,
		// for the next statement's snapshot must have what the recount before left.
		_, err := tx.db.Exec(ctx, `INSERT INTO user_counts (block, slot, n) VALUES (-1, $1, 0)
			ON CONFLICT (block, slot) DO UPDATE SET n = user_counts.n`, foldedSlot)
		if err != nil {
			return translate(err)
		}
		if err := tx.db.QueryRow(ctx, recount, foldedSlot).Scan(&found.Wrong, &found.Missed); err != nil {
			return translate(err)
		}
		return translate(tx.db.QueryRow(ctx, `SELECT coalesce(sum(n), 0)::bigint FROM user_counts`).Scan(&found.Total))
	})
	return found, err
}

// sumOfCounts is how many users there are.
const sumOfCounts = `(SELECT coalesce(sum(n), 0) FROM user_counts)::bigint`

// block is how many users have ids in [number<<17, (number+1)<<17).
type block struct{ number, users int64 }

// blocks are those that have users, in order.
func (r *Repository) blocks(ctx context.Context) ([]block, error) {
	rows, err := r.db.Query(ctx, `SELECT block, sum(n)::bigint AS users FROM user_counts GROUP BY block HAVING sum(n) > 0 ORDER BY block`)
	if err != nil {
		return nil, translate(err)
	}
	blocks, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (b block, err error) {
		err = row.Scan(&b.number, &b.users)
		return b, err
	})
	return blocks, translate(err)
}

const (
	forwardInBlock  = `SELECT id FROM users WHERE id >= $1::bigint << 17 ORDER BY id LIMIT 1 OFFSET $2`
	backwardInBlock = `SELECT id FROM users WHERE id < ($1::bigint + 1) << 17 ORDER BY id DESC LIMIT 1 OFFSET $2`
)

// idOfRow is the id of the user who is row number row of all, from 0: at most
// half a block of an index is read for it.
func (r *Repository) idOfRow(ctx context.Context, blocks []block, row int64) (id int64, err error) {
	for _, b := range blocks {
		if row >= b.users {
			row -= b.users
			continue
		}
		statement := forwardInBlock
		if row > b.users/2 {
			statement, row = backwardInBlock, b.users-1-row
		}
		err = r.db.QueryRow(ctx, statement, b.number, row).Scan(&id)
		if errors.Is(err, pgx.ErrNoRows) { // the counts are wrong: nothing is there
			return math.MaxInt64, nil
		}
		return id, translate(err)
	}
	return math.MaxInt64, nil
}
