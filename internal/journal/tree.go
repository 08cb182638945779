package journal

import (
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// TileHeight is the height of a tile: it has the hashes of 256 nodes of one level of the tree.
const TileHeight = 8

const (
	tileWidth = 1 << TileHeight
	tileSize  = tileWidth * tlog.HashSize
)

// Tile is a tile of the Merkle tree, as golang.org/x/mod/sumdb/tlog defines it. The last tile of a level
// may have fewer hashes than the others.
type Tile struct {
	Level  int
	Number int64
	Hashes []byte
}

// Tree is the right edge of a Merkle tree (RFC 6962): what is needed to append leaves.
type Tree struct {
	size    int64
	edge    []Tile // by level: the tile that grows; without hashes if the last one is full
	filled  []Tile // since OpenTree
	touched []bool // by level: the edge has grown since OpenTree
}

// Edge returns the tiles, without hashes, that OpenTree needs for a tree of this size.
func Edge(size int64) (tiles []Tile) {
	for level := 0; size>>(level*TileHeight) > 0; level++ {
		nodes := size >> (level * TileHeight)
		if nodes%tileWidth > 0 {
			tiles = append(tiles, Tile{Level: level, Number: nodes / tileWidth})
		}
	}
	return tiles
}

// OpenTree opens a tree by the tiles of Edge. A tile that is missing or has another size than the tree
// needs is an error.
func OpenTree(size int64, tiles []Tile) (*Tree, error) {
	tree := &Tree{size: size}
	for level := 0; size>>(level*TileHeight) > 0; level++ {
		tree.grow(level, size>>(level*TileHeight)/tileWidth)
	}
	for _, tile := range tiles {
		if tile.Level < len(tree.edge) && tree.edge[tile.Level].Number == tile.Number {
			tree.edge[tile.Level].Hashes = append([]byte(nil), tile.Hashes...)
		}
	}
	for level := range tree.edge {
		want := int(size>>(level*TileHeight)%tileWidth) * tlog.HashSize
		if have := len(tree.edge[level].Hashes); have != want {
			return nil, fmt.Errorf("tile %d/%d of the journal's tree has %d bytes instead of %d", level, tree.edge[level].Number, have, want)
		}
	}
	return tree, nil
}

func (t *Tree) grow(level int, number int64) {
	for len(t.edge) <= level {
		t.edge, t.touched = append(t.edge, Tile{Level: len(t.edge)}), append(t.touched, false)
	}
	t.edge[level].Number = number
}

// Size is the number of leaves.
func (t *Tree) Size() int64 { return t.size }

// Append appends the hash of a leaf.
func (t *Tree) Append(hash tlog.Hash) {
	t.size++
	for level := 0; ; level++ {
		if level == len(t.edge) {
			t.grow(level, 0)
		}
		edge := &t.edge[level]
		edge.Hashes = append(edge.Hashes, hash[:]...)
		t.touched[level] = true
		if len(edge.Hashes) < tileSize {
			return
		}
		hash = rootOf(edge.Hashes)
		t.filled = append(t.filled, *edge)
		t.touched[level] = false
		*edge = Tile{Level: level, Number: edge.Number + 1}
	}
}

// Taken returns the tiles that were completed since the last call.
func (t *Tree) Taken() []Tile {
	filled := t.filled
	t.filled = nil
	return filled
}

// Changed returns the tiles that differ from those that OpenTree was given.
func (t *Tree) Changed() []Tile {
	changed := append([]Tile(nil), t.filled...)
	for level, touched := range t.touched {
		if touched {
			changed = append(changed, t.edge[level])
		}
	}
	return changed
}

// Partial returns the tiles at the right edge that are not complete.
func (t *Tree) Partial() (partial []Tile) {
	for _, tile := range t.edge {
		if len(tile.Hashes) > 0 {
			partial = append(partial, tile)
		}
	}
	return partial
}

// Root is the hash of the whole tree.
func (t *Tree) Root() (tlog.Hash, error) {
	return tlog.TreeHash(t.size, Reader(func([]Tile) ([]Tile, error) { return t.edge, nil }))
}

// rootOf is the hash of the subtree over a complete tile.
func rootOf(hashes []byte) tlog.Hash {
	if len(hashes) == tlog.HashSize {
		return tlog.Hash(hashes)
	}
	half := len(hashes) / 2
	return tlog.NodeHash(rootOf(hashes[:half]), rootOf(hashes[half:]))
}

// Reader reads the hashes of a tree from its tiles, for the proofs of package tlog. read gets tiles
// without hashes, and returns them with their hashes in any order; it may return others too.
func Reader(read func([]Tile) ([]Tile, error)) tlog.HashReader {
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		type place struct {
			level  int
			number int64
		}
		known := map[place][]byte{}
		var wanted []Tile
		for _, index := range indexes {
			tile := tlog.TileForIndex(TileHeight, index)
			if at := (place{tile.L, tile.N}); known[at] == nil {
				known[at] = []byte{}
				wanted = append(wanted, Tile{Level: tile.L, Number: tile.N})
			}
		}
		tiles, err := read(wanted)
		if err != nil {
			return nil, err
		}
		for _, tile := range tiles {
			known[place{tile.Level, tile.Number}] = tile.Hashes
		}
		hashes := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			tile := tlog.TileForIndex(TileHeight, index)
			if hashes[i], err = tlog.HashFromTile(tile, known[place{tile.L, tile.N}], index); err != nil {
				return nil, fmt.Errorf("tile %d/%d of the journal's tree is missing or too short: %w", tile.L, tile.N, err)
			}
		}
		return hashes, nil
	})
}
