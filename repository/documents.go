package repository

import (
	"context"
	"fmt"
	"time"

	sq "github.com/Masterminds/squirrel"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"barong/internal/identity"
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

// hasRoom is true where a user u may have another document, with this many bytes of
// metadata.
var hasRoom = sq.Expr(fmt.Sprintf(`(SELECT count(*) < %d AND coalesce(sum(octet_length(d.metadata)), 0) + ?::bigint <= %d
	FROM documents AS d WHERE d.user_id = u.id)`, identity.MaxDocuments, identity.MaxDocumentsMetadata), placeholder("metadata size"))

var (
	findRoom = prepared(psql.Select().Column(hasRoom).From("users AS u").Where("u.uid = ?", placeholder("uid")))

	// insertDocument writes nothing where there is no room. Under the lock of the
	// user's row, which every insert of a document takes, that stays so until the end
	// of the transaction.
	insertDocument = prepared(psql.Insert("documents").
			Columns("user_id", "doc_type", "doc_number", "doc_expire", "metadata", "filename", "content_type", "size",
			"object", "wrapped_key", "created_at", "updated_at").
		Select(sq.Select("u.id").
			Column("?", placeholder("type")).Column("?", placeholder("number")).Column("?::date", placeholder("expire")).
			Column("?", placeholder("metadata")).Column("?", placeholder("filename")).Column("?", placeholder("content type")).
			Column("?", placeholder("size")).Column("?", placeholder("object")).Column("?", placeholder("key")).
			Column("?", placeholder("now")).Column("?", placeholder("now")).
			From("users AS u").Where("u.uid = ?", placeholder("uid")).Where(hasRoom)))

	// followDocument marks documents for review, unless one was found good before, or
	// the document was not written.
	followDocument = prepared(psql.Insert("labels").
			Columns("user_id", "key", "value", "scope", "created_at", "updated_at").
			Select(sq.Select("d.user_id", "'"+identity.DocumentLabel+"'", "'"+identity.DocumentPending+"'", "'"+identity.ScopePrivate+"'").
				Column("?", placeholder("now")).Column("?", placeholder("now")).
				From("documents AS d").Where("d.object = ?", placeholder("object"))).
			Suffix(`ON CONFLICT (user_id, key, scope) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at
			WHERE labels.value <> excluded.value AND labels.value <> '` + identity.DocumentVerified + `'`))
)

var userWithProfile = selectParts("= (SELECT id FROM users WHERE uid = $1)", selectUserPart, selectProfilePart)

// InsertDocument stores what is known of a document whose content the store has
// already, and returns its user with the profile. With follow the user's label
// follows, and the standing from that, in the same transaction. An unknown user
// is identity.ErrRecordNotFound; one who has no room for the document, also where
// others are stored at the same time, is identity.TooManyDocuments.
func (r *Repository) InsertDocument(ctx context.Context, uid string, d identity.Document, follow bool, standing *Standing) (user identity.User, err error) {
	stored := false
	given := values{
		"uid": uid, "type": d.Type, "number": d.Number, "expire": d.Expire, "metadata": d.Metadata, "metadata size": metadataSize(d.Metadata),
		"filename": d.Filename, "content type": d.ContentType, "size": d.Size, "object": d.Object, "key": d.Key, "now": d.CreatedAt,
	}
	err = r.changeLabels(ctx, uid, standing, d.CreatedAt, func(batch *pgx.Batch) {
		batch.Queue(insertDocument.sql, insertDocument.bind(given)...).Exec(func(tag pgconn.CommandTag) error {
			stored = tag.RowsAffected() == 1
			return nil
		})
		if follow {
			batch.Queue(followDocument.sql, followDocument.bind(given)...)
		}
	}, func(batch *pgx.Batch) {
		user = identity.User{}
		batch.Queue(userWithProfile, uid).Query(func(rows pgx.Rows) error {
			return collectParts(rows, func(int64) *identity.User { return &user })
		})
	})
	if err == nil && !stored {
		err = identity.Invalid(identity.TooManyDocuments)
	}
	return user, err
}

// HasRoomForDocument says whether a user may have another document with this
// metadata. It is good for sparing the upload: InsertDocument decides. An unknown
// user is identity.ErrRecordNotFound.
func (r *Repository) HasRoomForDocument(ctx context.Context, uid string, metadata *string) (room bool, err error) {
	err = r.db.QueryRow(ctx, findRoom.sql, findRoom.bind(values{"uid": uid, "metadata size": metadataSize(metadata)})...).Scan(&room)
	return room, translate(err)
}

func metadataSize(metadata *string) int64 {
	if metadata == nil {
		return 0
	}
	return int64(len(*metadata))
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
