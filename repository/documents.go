package repository

import (
	"context"
	"time"

	sq "github.com/Masterminds/squirrel"
	"github.com/jackc/pgx/v5"

	"barong/identity"
)

type documentRow struct {
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
	return psql.Select("doc_type", "doc_number", "doc_expire", "metadata", "filename", "content_type", "size",
		"object", "wrapped_key", "created_at", "updated_at").From("documents").Where(where).OrderBy("id")
}

func (row documentRow) document() identity.Document {
	return identity.Document{
		Type: row.DocType, Number: row.DocNumber, Expire: row.DocExpire, Metadata: row.Metadata, Filename: row.Filename,
		ContentType: row.ContentType, Size: row.Size, Object: row.Object, Key: row.WrappedKey,
		CreatedAt: row.CreatedAt, UpdatedAt: row.UpdatedAt,
	}
}

const insertDocument = `
	INSERT INTO documents (user_id, doc_type, doc_number, doc_expire, metadata, filename, content_type, size,
		object, wrapped_key, created_at, updated_at)
	SELECT id, $2, $3, $4::date, $5, $6, $7, $8, $9, $10, $11, $11 FROM users WHERE uid = $1`

// followDocument marks documents for review, unless one was found good before.
const followDocument = insertLabel + `
	ON CONFLICT (user_id, key, scope) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at
		WHERE labels.value <> excluded.value AND labels.value <> '` + identity.DocumentVerified + `'`

var userWithProfile = selectParts("= (SELECT id FROM users WHERE uid = $1)", selectUserPart, selectProfilePart)

// InsertDocument stores what is known of a document whose content the store has
// already, and returns its user with the profile. With follow the user's label
// follows, and the standing from that, in the same transaction. An unknown user
// is identity.ErrRecordNotFound.
func (r *Repository) InsertDocument(ctx context.Context, uid string, d identity.Document, follow bool, standing *Standing) (user identity.User, err error) {
	err = r.changeLabels(ctx, uid, standing, d.CreatedAt, func(batch *pgx.Batch) {
		batch.Queue(insertDocument, uid, d.Type, d.Number, d.Expire, d.Metadata, d.Filename, d.ContentType, d.Size, d.Object, d.Key, d.CreatedAt)
		if follow {
			batch.Queue(followDocument, uid, identity.DocumentLabel, identity.DocumentPending, identity.ScopePrivate, d.CreatedAt)
		}
	}, func(batch *pgx.Batch) {
		user = identity.User{}
		batch.Queue(userWithProfile, uid).Query(func(rows pgx.Rows) error {
			return collectParts(rows, func(int64) *identity.User { return &user })
		})
	})
	return user, err
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

// StoredDocument is what is known of the content of one document, and whose it is.
type StoredDocument struct {
	ID       int64 // of the row
	UID      string
	Document identity.Document // without what a caller is shown of it
}

// StoredDocuments returns documents in the order of their ids, those beyond one
// id, as many as limit says.
func (r *Repository) StoredDocuments(ctx context.Context, after int64, limit int) ([]StoredDocument, error) {
	type found struct {
		ID         int64
		UID        string
		Size       int64
		Object     string
		WrappedKey []byte
		CreatedAt  time.Time
	}
	rows, err := all[found](ctx, r, psql.Select("d.id", "u.uid", "d.size", "d.object", "d.wrapped_key", "d.created_at").
		From("documents d").Join("users u ON u.id = d.user_id").Where("d.id > ?", after).OrderBy("d.id").Suffix("LIMIT ?", limit))
	documents := make([]StoredDocument, len(rows))
	for i, row := range rows {
		documents[i] = StoredDocument{ID: row.ID, UID: row.UID, Document: identity.Document{
			Size: row.Size, Object: row.Object, Key: row.WrappedKey, CreatedAt: row.CreatedAt,
		}}
	}
	return documents, err
}

// HasDocuments says whether anybody has a document.
func (r *Repository) HasDocuments(ctx context.Context) (bool, error) {
	type found struct{ ID int64 }
	rows, err := all[found](ctx, r, psql.Select("id").From("documents").OrderBy("id").Suffix("LIMIT 1"))
	return len(rows) > 0, err
}
