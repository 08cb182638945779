package repository

import (
	"context"

	sq "github.com/Masterminds/squirrel"

	"barong/internal/journal"
)

var (
	tileColumns = columns[journal.Tile]{
		field(tilesTable.name, tilesTable.level, "int4", func(t *journal.Tile) *int { return &t.Level }),
		field(tilesTable.name, tilesTable.number, "int8", func(t *journal.Tile) *int64 { return &t.Number }),
		field(tilesTable.name, tilesTable.hashes, "bytea", func(t *journal.Tile) *[]byte { return &t.Hashes }),
	}

	selectTiles = compile(sq.Select(qualified("t", tileColumns.names()...)...).From(aliased(tilesTable.name, "t")).
			JoinClause(sq.Expr("JOIN (?) AS wanted ON t."+tilesTable.level+" = wanted.at_level AND t."+tilesTable.number+" = wanted.at_number",
			sq.Select().Column(sq.Alias(unnested("levels", "int4"), "at_level")).Column(sq.Alias(unnested("numbers", "int8"), "at_number")))))

	selectTilesFrom = compile(limit(sq.Select(tileColumns.names()...).From(tilesTable.name).
			Where(tilesTable.level+" = ?", arg("level")).Where(tilesTable.number+" >= ?", arg("from")).OrderBy(tilesTable.number)))

	selectTileCounts = compile(sq.Select(tilesTable.level, "count(*)").From(tilesTable.name).GroupBy(tilesTable.level).OrderBy(tilesTable.level))

	putTiles = compile(sq.Insert(tilesTable.name).Columns(tileColumns.names()...).Select(tileColumns.selectArrays(sq.Select())).
			Suffix(onConflictReplace([]string{tilesTable.level, tilesTable.number}, []string{tilesTable.hashes})))
)

// JournalTiles returns those of the wanted tiles of the journal's tree that there are, in any order.
func (r *Repository) JournalTiles(ctx context.Context, wanted []journal.Tile) ([]journal.Tile, error) {
	if len(wanted) == 0 {
		return nil, nil
	}
	levels, numbers := make([]int, len(wanted)), make([]int64, len(wanted))
	for i, tile := range wanted {
		levels[i], numbers[i] = tile.Level, tile.Number
	}
	return all(ctx, r, selectTiles, args{"levels": levels, "numbers": numbers}, tileColumns.targets)
}

// JournalTilesFrom returns up to limit tiles of a level, in order, from a number on.
func (r *Repository) JournalTilesFrom(ctx context.Context, level int, from int64, limit int) ([]journal.Tile, error) {
	return all(ctx, r, selectTilesFrom, args{"level": level, "from": from, "limit": limit}, tileColumns.targets)
}

// TileCount is the number of stored tiles of a level.
type TileCount struct {
	Level int
	Count int64
}

// JournalTileCounts returns the number of stored tiles of each level that has any.
func (r *Repository) JournalTileCounts(ctx context.Context) ([]TileCount, error) {
	return all(ctx, r, selectTileCounts, args{}, func(c *TileCount) []any { return []any{&c.Level, &c.Count} })
}

func (r *Repository) putTiles(ctx context.Context, tiles []journal.Tile) error {
	given := args{}
	tileColumns.bindArrays(given, tiles)
	_, err := r.exec(ctx, putTiles, given)
	return err
}
