package repository

import (
	"context"
	"time"

	sq "github.com/Masterminds/squirrel"

	"barong/identity"
)

type documentRow struct {
	UserID      int64
	DocType     string
	DocNumber   string
	DocExpire   *time.Time
	Metadata    *string
	Filename    string
	ContentType string
	Size        int64
	Object      string
	WrappedKey  []byte
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

func selectDocuments(where sq.Sqlizer) sq.SelectBuilder {
	return psql.Select("user_id", "doc_type", "doc_number", "doc_expire", "metadata", "filename", "content_type", "size",
		"object", "wrapped_key", "created_at", "updated_at").From("documents").Where(where).OrderBy("id")
}

func (row documentRow) document() identity.Document {
	return identity.Document{
		Type: row.DocType, Number: row.DocNumber, Expire: row.DocExpire, Metadata: row.Metadata, Filename: row.Filename,
		ContentType: row.ContentType, Size: row.Size, Object: row.Object, Key: row.WrappedKey,
		CreatedAt: row.CreatedAt, UpdatedAt: row.UpdatedAt,
	}
}

// InsertDocument stores what is known of a document whose content the store has
// already.
func (r *Repository) InsertDocument(ctx context.Context, userID int64, d identity.Document) error {
	return r.exec(ctx, psql.Insert("documents").
		Columns("user_id", "doc_type", "doc_number", "doc_expire", "metadata", "filename", "content_type", "size",
			"object", "wrapped_key", "created_at", "updated_at").
		Values(userID, d.Type, d.Number, d.Expire, d.Metadata, d.Filename, d.ContentType, d.Size,
			d.Object, d.Key, d.CreatedAt, d.UpdatedAt))
}

// FindDocument returns the document whose content has this name in the store.
func (r *Repository) FindDocument(ctx context.Context, object string) (identity.Document, error) {
	row, err := one[documentRow](ctx, r, selectDocuments(sq.Eq{"object": object}))
	return row.document(), err
}

// KnownObjects returns those of the names that belong to a document.
func (r *Repository) KnownObjects(ctx context.Context, objects []string) (map[string]bool, error) {
	type found struct{ Object string }
	rows, err := all[found](ctx, r, psql.Select("object").From("documents").Where("object = ANY(?)", objects))
	known := make(map[string]bool, len(rows))
	for _, row := range rows {
		known[row.Object] = true
	}
	return known, err
}

// HasDocuments says whether anybody has a document.
func (r *Repository) HasDocuments(ctx context.Context) (bool, error) {
	type found struct{ ID int64 }
	rows, err := all[found](ctx, r, psql.Select("id").From("documents").OrderBy("id").Suffix("LIMIT 1"))
	return len(rows) > 0, err
}
