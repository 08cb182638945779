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

// The table user_counts holds the number of users: for each block of ids, the sum over its slots.
// Every statement that inserts users updates it in the same transaction, so in every snapshot the
// counts match the users (docs/adr/0005-kept-counts.md).
const (
	// countSlots is the number of rows of a block that writers are distributed over: a row stays
	// locked until the commit of its writer is on disk.
	countSlots = 16
	// foldedSlot is the slot into which RecountUsers merges the other slots.
	foldedSlot = countSlots
)

// blockOfID is the SQL expression for the block of an id.
var blockOfID = usersTable.id + " >> 17"

// lastSlot distributes the writers of this server over the slots in rotation, so two of them share
// a slot only when all slots are in use. Each server starts at a random slot.
var lastSlot atomic.Uint32

func init() { lastSlot.Store(rand.Uint32()) } //nolint:gosec // not a secret

// countSlot returns the slot that one statement or one batch of an import adds to. A transaction
// draws it once: locking two slots of a block in different orders could cause a deadlock.
func countSlot() int16 { return int16(lastSlot.Add(1) % countSlots) }

var counts = userCountsTable

// insertCounts adds to the rows of a count, and inserts missing ones.
func insertCounts(added sq.SelectBuilder) sq.InsertBuilder {
	return sq.Insert(counts.name).Columns(counts.block, counts.slot, counts.n).Select(added).
		Suffix(onConflictUpdate([]string{counts.block, counts.slot}, []string{counts.n + " = " + counts.name + "." + counts.n + " + excluded." + counts.n}))
}

// countOne counts one inserted user. source has the user's id in the column id, or no row; slot is
// the argument for a countSlot. It should take the last lock of its transaction, because slots are
// shared.
func countOne(source string, slot arg) sq.InsertBuilder {
	return insertCounts(sq.Select(blockOfID).Column(typed(slot, "smallint")).Column("1").From(source))
}

// countMany is countOne for any number of users. It locks blocks in order.
func countMany(source sq.SelectBuilder, slot arg) sq.InsertBuilder {
	return insertCounts(sq.Select(blockOfID).Column(typed(slot, "smallint")).Column("count(*)").FromSelect(source, "inserted").
		GroupBy(blockOfID).OrderBy(blockOfID))
}

// recount corrects the counts in one statement. It reads the users and the counts in one snapshot,
// which contains either all or nothing of each transaction that counts. The difference is therefore
// what was never counted, however many transactions write at the same time. The difference is added
// to the counts, as other writers add theirs. The rows of the other slots are merged into one, so
// that a total sums fewer rows.
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
	// lockRecount updates the same row in every recount, so its row lock serializes recounts.
	lockRecount = compile(sq.Insert(counts.name).Columns(counts.block, counts.slot, counts.n).Values(-1, foldedSlot, 0).
			Suffix(onConflictUpdate([]string{counts.block, counts.slot}, []string{counts.n + " = " + counts.name + "." + counts.n})))

	// countUsersKept selects the number of users.
	countUsersKept = sq.Select("coalesce(sum(" + counts.n + "), 0)::bigint").From(counts.name)

	countAllUsers = compile(countUsersKept)
)

// Recounted is the result of RecountUsers.
type Recounted struct {
	Total  int64 // the number of users, by the corrected counts
	Missed int64 // corrected total minus previous total; negative where the previous one was too high
	Wrong  int64 // the sum of the absolute differences of all blocks
}

func (found *Recounted) differences() []any { return []any{&found.Wrong, &found.Missed} }

// RecountUsers makes the counts match the existing users, after users were inserted or deleted
// without counting. Servers may write meanwhile. Concurrent recounts run one after the other.
func (r *Repository) RecountUsers(ctx context.Context) (found Recounted, err error) {
	err = r.InTx(ctx, func(tx *Repository) error {
		// The lock is a separate statement: the snapshot of the next statement must contain the
		// writes of an earlier recount.
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

// CountUsers returns the number of users, from the maintained counts.
func (r *Repository) CountUsers(ctx context.Context) (int64, error) {
	return one(ctx, r, countAllUsers, nil, single[int64])
}

// block is the number of users with ids in [number<<17, (number+1)<<17).
type block struct{ number, users int64 }

func (b *block) targets() []any { return []any{&b.number, &b.users} }

var selectBlocks = compile(sq.Select(counts.block, "sum("+counts.n+")::bigint").From(counts.name).
	GroupBy(counts.block).Having("sum(" + counts.n + ") > 0").OrderBy(counts.block))

// blocks returns the blocks that have users, in order.
func (r *Repository) blocks(ctx context.Context) ([]block, error) {
	return all(ctx, r, selectBlocks, nil, (*block).targets)
}

var (
	forwardInBlock = compile(limitOffset(sq.Select(usersTable.id).From(usersTable.name).
			Where(usersTable.id+" >= ?::bigint << 17", arg("block")).OrderBy(usersTable.id)))
	backwardInBlock = compile(limitOffset(sq.Select(usersTable.id).From(usersTable.name).
			Where(usersTable.id+" < (?::bigint + 1) << 17", arg("block")).OrderBy(usersTable.id + " DESC")))
)

// idOfRow returns the id of the user at position row, counted from 0. It reads at most half a block
// of an index.
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
		if errors.Is(err, identity.ErrRecordNotFound) { // the counts are wrong: there is no such row
			return math.MaxInt64, nil
		}
		return id, err
	}
	return math.MaxInt64, nil
}
