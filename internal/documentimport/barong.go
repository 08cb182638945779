package documentimport

import (
	"context"
	"iter"
	"strconv"
	"strings"

	"barong/internal/barongdb"
	"barong/internal/identity"
)

// Barong returns the rows of Barong's database. Their positions are numbers of rows.
func Barong(ctx context.Context, db *barongdb.DB) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		position := int64(0)
		for document, err := range db.Documents(ctx, 0) {
			position++
			row := rowOf(&document)
			row.Position = position
			if !yield(row, err) || err != nil {
				return
			}
		}
	}
}

func rowOf(d *barongdb.Document) Row {
	row := Row{
		ID: strconv.FormatInt(d.ID, 10), Path: d.Path(), UID: d.UID, Type: d.Type, Number: d.Number, Expire: d.Expire, Filename: d.Upload,
		CreatedAt: d.CreatedAt, UpdatedAt: d.UpdatedAt, Dropped: d.Others,
	}
	if d.Metadata != nil && strings.TrimSpace(*d.Metadata) != "" {
		row.Metadata = d.Metadata
	}
	if d.NumberUnreadable {
		row.Invalid = []string{identity.DocumentNumberUnreadable.Message}
	}
	return row
}
