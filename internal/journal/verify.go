package journal

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"golang.org/x/mod/sumdb/tlog"
)

// Source is a journal that is verified. All its reads must be of one snapshot.
type Source interface {
	SealedAfter(ctx context.Context, after int64, limit int) ([]Sealed, error)
	JournalTiles(ctx context.Context, wanted []Tile) ([]Tile, error)
	JournalTilesFrom(ctx context.Context, level int, from int64, limit int) ([]Tile, error)
}

// Verification says what is verified.
type Verification struct {
	Size, Pruned int64 // of the head of the journal
	Epoch        int
	TileCounts   map[int]int64 // number of stored tiles by level
	From         int64         // rows before this number are not read: their hashes come from the tree
	Checkpoints  []KnownCheckpoint
	Keys         PublicKeyOf // nil: signatures are not verified
}

// KnownCheckpoint is a checkpoint that the tree must agree with.
type KnownCheckpoint struct {
	Size  int64
	Root  tlog.Hash
	Epoch int
}

// Findings are what a verification has found, besides what is wrong.
type Findings struct {
	Root        tlog.Hash
	Rows        int64 // that were read
	Absent      int64 // the last row that is not there any more; 0: all are
	Checkpoints int64 // that agree
	Lost        int64 // checkpoints of trees that a fork has left
	Unchecked   int64 // checkpoints of earlier epochs, whose forks are not among the rows that were read
	Declared    int64 // up to this row, rows that were read say that rows were pruned
	Grades      map[Grade]int64
}

// Broken is the first thing in a journal that is not as it was sealed.
type Broken struct {
	Seq  int64 // number of the row; 0: of none
	What string
}

func (b *Broken) Error() string {
	if b.Seq == 0 {
		return b.What
	}
	return fmt.Sprintf("row %d: %s", b.Seq, b.What)
}

// verifySpan is the number of rows that are read at once: a multiple of a tile's width.
const verifySpan = 16 * tileWidth

// verifier is one verification that runs.
type verifier struct {
	Verification
	source Source
	tree   *Tree
	forks  []Fork // of the rows so far
	next   int    // of Checkpoints
	found  Findings
}

// Verify reads the rows, builds the tree anew and compares it with the stored tiles and the checkpoints. A
// difference is a *Broken: the first one in order of the rows. It needs memory for some thousand rows, and
// for the checkpoints.
func Verify(ctx context.Context, source Source, what Verification) (Findings, error) {
	tree, err := OpenTree(0, nil)
	if err != nil {
		return Findings{}, err
	}
	v := &verifier{Verification: what, source: source, tree: tree, found: Findings{Grades: map[Grade]int64{}}}
	slices.SortStableFunc(v.Checkpoints, func(a, b KnownCheckpoint) int { return int(a.Size - b.Size) })
	for first := int64(0); first < v.Size; first += verifySpan {
		if err := v.span(ctx, first, min(first+verifySpan, v.Size)); err != nil {
			return v.found, err
		}
	}
	return v.found, v.end(ctx)
}

// span verifies the rows with numbers above first up to last.
func (v *verifier) span(ctx context.Context, first, last int64) error {
	tiles, err := v.source.JournalTilesFrom(ctx, 0, first/tileWidth, verifySpan/tileWidth)
	if err != nil {
		return err
	}
	hashes := map[int64][]byte{}
	for _, tile := range tiles {
		hashes[tile.Number] = tile.Hashes
	}
	var rows []Sealed
	if last >= v.From {
		if rows, err = v.source.SealedAfter(ctx, max(first, v.From-1), int(last-max(first, v.From-1))); err != nil {
			return err
		}
	}
	for seq := first + 1; seq <= last; seq++ {
		tile := hashes[(seq-1)/tileWidth]
		at := int((seq-1)%tileWidth) * tlog.HashSize
		if len(tile) < at+tlog.HashSize {
			return &Broken{seq, fmt.Sprintf("tile 0/%d of the tree, which has its hash, is missing or too short", (seq-1)/tileWidth)}
		}
		stored := tlog.Hash(tile[at : at+tlog.HashSize])
		var row *Sealed
		if len(rows) > 0 && rows[0].Seq == seq {
			row, rows = &rows[0], rows[1:]
		}
		if err := v.row(ctx, seq, row, stored, tile); err != nil {
			return err
		}
		if err := v.append(ctx, stored); err != nil {
			return err
		}
	}
	return nil
}

// row verifies one row, which is nil where there is none, against its hash in the tree.
func (v *verifier) row(ctx context.Context, seq int64, row *Sealed, stored tlog.Hash, tile []byte) error {
	if row == nil {
		switch {
		case seq <= v.Pruned:
			v.found.Absent = seq
		case seq >= v.From:
			return &Broken{seq, "it is missing"}
		}
		return nil
	}
	v.found.Rows++
	hash, err := row.Hash()
	if err != nil {
		return &Broken{seq, err.Error()}
	}
	if hash != stored {
		return v.mismatch(ctx, seq, tile)
	}
	if err := v.declared(row); err != nil {
		return &Broken{seq, err.Error()}
	}
	return v.signatures(row)
}

// mismatch finds out whether a row or its hash was changed.
func (v *verifier) mismatch(ctx context.Context, seq int64, tile []byte) error {
	number := (seq - 1) / tileWidth
	name := fmt.Sprintf("tile 0/%d of the tree", number)
	if len(tile) == tileSize {
		parents, err := v.source.JournalTiles(ctx, []Tile{{Level: 1, Number: number / tileWidth}})
		if err != nil {
			return err
		}
		root := rootOf(tile)
		at := int(number%tileWidth) * tlog.HashSize
		if len(parents) == 1 && len(parents[0].Hashes) >= at+tlog.HashSize && bytes.Equal(parents[0].Hashes[at:at+tlog.HashSize], root[:]) {
			return &Broken{seq, "it is not the row that was sealed: its hash is not that in " + name}
		}
		return &Broken{seq, "its hash is not that in " + name + ", which was changed"}
	}
	return &Broken{seq, "it is not the row that was sealed, or its hash was changed: it is not that in " + name}
}

// declared takes note of a row about the journal itself.
func (v *verifier) declared(row *Sealed) error {
	if row.Form != Command || !bytes.Contains(row.Changed, []byte(`"pruned"`)) && !bytes.Contains(row.Changed, []byte(`"fork"`)) {
		return nil
	}
	changes, err := row.Changes()
	if err != nil {
		return err
	}
	if changes.Fork != nil {
		v.forks = append(v.forks, *changes.Fork)
	}
	if changes.Pruned != nil {
		v.found.Declared = max(v.found.Declared, *changes.Pruned)
	}
	return nil
}

func (v *verifier) signatures(row *Sealed) error {
	if v.Keys == nil {
		return nil
	}
	var proof *Proof
	if row.Proof != nil {
		if err := json.Unmarshal(row.Proof, &proof); err != nil {
			return &Broken{row.Seq, "its proof cannot be read: " + err.Error()}
		}
	}
	judged := Judge(proof, row.Payload, v.Keys)
	for _, j := range judged {
		if j.Err != nil {
			return &Broken{row.Seq, j.Err.Error()}
		}
	}
	v.found.Grades[GradeOf(judged)]++
	return nil
}

// append adds a hash to the tree, and compares the tiles that are complete and the checkpoints of its size.
func (v *verifier) append(ctx context.Context, hash tlog.Hash) error {
	v.tree.Append(hash)
	if err := v.compare(ctx, v.tree.Taken()); err != nil {
		return err
	}
	for ; v.next < len(v.Checkpoints) && v.Checkpoints[v.next].Size <= v.tree.Size(); v.next++ {
		if err := v.checkpoint(v.Checkpoints[v.next]); err != nil {
			return err
		}
	}
	return nil
}

// compare compares tiles with those that are stored.
func (v *verifier) compare(ctx context.Context, tiles []Tile) error {
	for _, tile := range tiles {
		stored, err := v.source.JournalTiles(ctx, []Tile{tile})
		if err != nil {
			return err
		}
		if len(stored) != 1 || !bytes.Equal(stored[0].Hashes, tile.Hashes) {
			return &Broken{0, fmt.Sprintf("tile %d/%d of the tree is not what the rows up to %d make it", tile.Level, tile.Number, v.tree.Size())}
		}
	}
	return nil
}

func (v *verifier) checkpoint(c KnownCheckpoint) error {
	for _, fork := range v.forks {
		if c.Epoch < fork.Epoch && c.Size > fork.Size {
			v.found.Lost++
			return nil
		}
	}
	root, err := v.tree.Root()
	if err != nil {
		return err
	}
	switch {
	case c.Size == v.tree.Size() && c.Root == root:
		v.found.Checkpoints++
	case c.Epoch < v.Epoch && (v.found.Absent > 0 || v.From > 1):
		v.found.Unchecked++
	default:
		return &Broken{0, fmt.Sprintf("the checkpoint of %d rows in epoch %d has another root: some row up to %d is not what it was then", c.Size, c.Epoch, c.Size)}
	}
	return nil
}

// end compares what only shows at the end: the tiles that are not complete, and what there is too much of.
func (v *verifier) end(ctx context.Context) (err error) {
	if v.found.Root, err = v.tree.Root(); err != nil {
		return err
	}
	if err := v.compare(ctx, v.tree.Partial()); err != nil {
		return err
	}
	beyond, err := v.source.SealedAfter(ctx, v.Size, 1)
	if err != nil {
		return err
	}
	if len(beyond) > 0 {
		return &Broken{beyond[0].Seq, fmt.Sprintf("it was not sealed: the tree has %d rows", v.Size)}
	}
	for level, count := range v.TileCounts {
		if level < 0 || count != (v.Size>>(level*TileHeight)+tileWidth-1)/tileWidth {
			return &Broken{0, fmt.Sprintf("the tree has %d tiles of level %d, which are not those of %d rows", count, level, v.Size)}
		}
	}
	for _, c := range v.Checkpoints[v.next:] {
		lost := slices.ContainsFunc(v.forks, func(f Fork) bool { return c.Epoch < f.Epoch && c.Size > f.Size })
		switch {
		case lost:
			v.found.Lost++
		case c.Epoch < v.Epoch && (v.found.Absent > 0 || v.From > 1):
			v.found.Unchecked++
		default:
			return &Broken{0, fmt.Sprintf("the journal has %d rows, and a checkpoint of epoch %d has %d: rows are lost (a fork)", v.Size, c.Epoch, c.Size)}
		}
	}
	return nil
}
