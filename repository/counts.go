package repository

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"sync/atomic"

	sq "github.com/Masterminds/squirrel"

	"barong/internal/identity"
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

// blockOfID is the block of an id.
var blockOfID = usersTable.id + " >> 17"

// lastSlot makes the writers of this server take turns, so that none meets
// another before all slots are in use. Servers start at different slots.
var lastSlot atomic.Uint32

func init() { lastSlot.Store(rand.Uint32()) } //nolint:gosec // chance keeps no secret

// countSlot is the slot that one statement or one batch of an import adds to.
// Within a transaction it is drawn once: two slots of one block could be locked
// in another order elsewhere.
func countSlot() int16 { return int16(lastSlot.Add(1) % countSlots) }

var counts = userCountsTable

// insertCounts adds to the rows of a count, or makes them.
func insertCounts(added sq.SelectBuilder) sq.InsertBuilder {
	return sq.Insert(counts.name).Columns(counts.block, counts.slot, counts.n).Select(added).
		Suffix(onConflictUpdate([]string{counts.block, counts.slot}, []string{counts.n + " = " + counts.name + "." + counts.n + " + excluded." + counts.n}))
}

// countOne is the statement that counts one inserted user, or none. source has the
// user's id in the column id, slot is the argument with a countSlot. It should be the
// last to lock anything in its transaction: a slot is shared with others.
func countOne(source string, slot arg) sq.InsertBuilder {
	return insertCounts(sq.Select(blockOfID).Column(typed(slot, "smallint")).Column("1").From(source))
}

// countMany is countOne for any number of users. Blocks are locked in order.
func countMany(source sq.SelectBuilder, slot arg) sq.InsertBuilder {
	return insertCounts(sq.Select(blockOfID).Column(typed(slot, "smallint")).Column("count(*)").FromSelect(source, "inserted").
		GroupBy(blockOfID).OrderBy(blockOfID))
}

// recount corrects the counts in one statement. What users hold and what is counted
// are read in one snapshot, in which every transaction that counts is there as a
// whole or not at all: their difference is what was never counted, however many
// write meanwhile. It is added, as they add. Rows of the other slots are folded
// into one, so that a total sums fewer.
var recount = compile(sq.Select("coalesce(sum(abs(difference)), 0)::bigint", "coalesce(sum(difference), 0)::bigint").From("missed").PrefixExpr(with(
	cte{"missed (part, difference)", sq.Select("part", "sum(users)").FromSelect(unionAll(
		sq.Select(blockOfID+" AS part", "count(*) AS users").From(usersTable.name).GroupBy(blockOfID),
		sq.Select(counts.block, "-"+counts.n).From(counts.name),
	), "both_sides").GroupBy("part")},
	cte{"folded (part, users)", sq.Delete(counts.name).Where(counts.slot+" <> ?", foldedSlot).Suffix(returning(counts.block, counts.n))},
	cte{"adjusted", insertCounts(sq.Select("part").Column("?::smallint", foldedSlot).Column("sum(users)").FromSelect(unionAll(
		sq.Select("part", "difference AS users").From("missed"),
		sq.Select("part", "users").From("folded"),
	), "added").GroupBy("part").OrderBy("part"))},
)))

var (
	// lockRecount changes the same row in every recount, so that recounts take turns.
	lockRecount = compile(sq.Insert(counts.name).Columns(counts.block, counts.slot, counts.n).Values(-1, foldedSlot, 0).
			Suffix(onConflictUpdate([]string{counts.block, counts.slot}, []string{counts.n + " = " + counts.name + "." + counts.n})))

	// countUsersKept is how many users there are.
	countUsersKept = sq.Select("coalesce(sum(" + counts.n + "), 0)::bigint").From(counts.name)

	countAllUsers = compile(countUsersKept)
)

// Recounted is what RecountUsers found.
type Recounted struct {
	Total  int64 // users, by the corrected counts
	Missed int64 // by how much the total was too low; negative where it was too high
	Wrong  int64 // the same, added up without regard to the sign, block by block
}

func (found *Recounted) differences() []any { return []any{&found.Wrong, &found.Missed} }

// RecountUsers brings the counts in line with the users that are there, after
// something inserted or deleted users without counting. Servers may write
// meanwhile. Two recounts take turns.
func (r *Repository) RecountUsers(ctx context.Context) (found Recounted, err error) {
	err = r.InTx(ctx, func(tx *Repository) error {
		// The lock is a statement of its own: the snapshot of the next one must contain
		// what an earlier recount wrote.
		if _, err := tx.exec(ctx, lockRecount, nil); err != nil {
			return err
		}
		if found, err = one(ctx, tx, recount, nil, (*Recounted).differences); err != nil {
			return err
		}
		found.Total, err = one(ctx, tx, countAllUsers, nil, single[int64])
		return err
	})
	return found, err
}

// CountUsers is how many users there are, by the counts that are kept.
func (r *Repository) CountUsers(ctx context.Context) (int64, error) {
	return one(ctx, r, countAllUsers, nil, single[int64])
}

// block is how many users have ids in [number<<17, (number+1)<<17).
type block struct{ number, users int64 }

func (b *block) targets() []any { return []any{&b.number, &b.users} }

var selectBlocks = compile(sq.Select(counts.block, "sum("+counts.n+")::bigint").From(counts.name).
	GroupBy(counts.block).Having("sum(" + counts.n + ") > 0").OrderBy(counts.block))

// blocks are those that have users, in order.
func (r *Repository) blocks(ctx context.Context) ([]block, error) {
	return all(ctx, r, selectBlocks, nil, (*block).targets)
}

var (
	forwardInBlock = compile(limitOffset(sq.Select(usersTable.id).From(usersTable.name).
			Where(usersTable.id+" >= ?::bigint << 17", arg("block")).OrderBy(usersTable.id)))
	backwardInBlock = compile(limitOffset(sq.Select(usersTable.id).From(usersTable.name).
			Where(usersTable.id+" < (?::bigint + 1) << 17", arg("block")).OrderBy(usersTable.id + " DESC")))
)

// idOfRow is the id of the user who is row number row of all, from 0: at most
// half a block of an index is read for it.
func (r *Repository) idOfRow(ctx context.Context, blocks []block, row int64) (id int64, err error) {
	for _, b := range blocks {
		if row >= b.users {
			row -= b.users
			continue
		}
		nearer := forwardInBlock
		if row > b.users/2 {
			nearer, row = backwardInBlock, b.users-1-row
		}
		id, err = one(ctx, r, nearer, args{"block": b.number, "offset": row}, single[int64])
		if errors.Is(err, identity.ErrRecordNotFound) { // the counts are wrong: nothing is there
			return math.MaxInt64, nil
		}
		return id, err
	}
	return math.MaxInt64, nil
}
