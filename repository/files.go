package repository

import (
	"context"
	"time"

	sq "github.com/Masterminds/squirrel"

	"barong/internal/identity"
)

// A file in the store belongs to a row of one of two tables, documents and attachments. Whatever
// looks for the row of a file looks at both: a file without a row is removed by a sweep.
var (
	selectFile = compile(unionAll(
		sq.Select(documentsTable.filename, documentsTable.contentType, documentsTable.size, documentsTable.object, documentsTable.wrappedKey).
			From(documentsTable.name).Where(documentsTable.object+" = ?", arg("object")),
		sq.Select(attachmentsTable.filename, attachmentsTable.contentType, attachmentsTable.size, attachmentsTable.object, attachmentsTable.wrappedKey).
			From(attachmentsTable.name).Where(attachmentsTable.object+" = ?", arg("object"))))

	selectKnownObjects = compile(unionAll(
		sq.Select(documentsTable.object).From(documentsTable.name).Where(anyOf(documentsTable.object, "text", arg("objects"))),
		sq.Select(attachmentsTable.object).From(attachmentsTable.name).Where(anyOf(attachmentsTable.object, "text", arg("objects")))))

	selectStoredDocuments = compile(limit(sq.Select(qualified("d", documentsTable.id)...).Columns("u."+usersTable.uid).
				Columns(qualified("d", documentsTable.size, documentsTable.object, documentsTable.wrappedKey, documentsTable.createdAt)...).
				From(aliased(documentsTable.name, "d")).
				Join(aliased(usersTable.name, "u")+" ON u."+usersTable.id+" = d."+documentsTable.userID).
				Where("d."+documentsTable.id+" > ?", arg("after")).OrderBy("d." + documentsTable.id)))

	selectStoredAttachments = compile(limit(sq.Select(qualified("a", attachmentsTable.id)...).Columns("u."+usersTable.uid).
				Columns(qualified("a", attachmentsTable.size, attachmentsTable.object, attachmentsTable.wrappedKey, attachmentsTable.createdAt)...).
				From(aliased(attachmentsTable.name, "a")).
				LeftJoin(aliased(usersTable.name, "u")+" ON u."+usersTable.id+" = a."+attachmentsTable.userID).
				Where("a."+attachmentsTable.id+" > ?", arg("after")).OrderBy("a." + attachmentsTable.id)))

	hasFiles = compile(sq.Select().
			Column(exists(sq.Select(documentsTable.id).From(documentsTable.name))).
			Column(exists(sq.Select(attachmentsTable.id).From(attachmentsTable.name))))
)

func fileTargets(f *identity.File) []any {
	return []any{&f.Filename, &f.ContentType, &f.Size, &f.Object, &f.Key}
}

// FindFile returns the file of a document or an attachment that has this name in the store.
func (r *Repository) FindFile(ctx context.Context, object string) (identity.File, error) {
	return one(ctx, r, selectFile, args{"object": object}, fileTargets)
}

// KnownObjects returns the names that belong to a document or an attachment.
func (r *Repository) KnownObjects(ctx context.Context, objects []string) (map[string]bool, error) {
	known := make(map[string]bool, len(objects))
	err := each(ctx, r, selectKnownObjects, args{"objects": objects}, single[string], func(object *string) error {
		known[*object] = true
		return nil
	})
	return known, err
}

// StoredFile is the file of a document or an attachment, and its owner.
type StoredFile struct {
	ID        int64         // of the row
	UID       *string       // nil: of nobody, which is an attachment
	File      identity.File // without the fields that only callers of the API see
	CreatedAt time.Time
}

func (f *StoredFile) targets() []any {
	return []any{&f.ID, &f.UID, &f.File.Size, &f.File.Object, &f.File.Key, &f.CreatedAt}
}

// StoredDocuments returns the files of up to limit documents with ids greater than after, in the
// order of their ids.
func (r *Repository) StoredDocuments(ctx context.Context, after int64, limit int) ([]StoredFile, error) {
	return all(ctx, r, selectStoredDocuments, args{"after": after, "limit": limit}, (*StoredFile).targets)
}

// StoredAttachments is StoredDocuments for attachments.
func (r *Repository) StoredAttachments(ctx context.Context, after int64, limit int) ([]StoredFile, error) {
	return all(ctx, r, selectStoredAttachments, args{"after": after, "limit": limit}, (*StoredFile).targets)
}

// HasFiles reports whether there is any document or attachment.
func (r *Repository) HasFiles(ctx context.Context) (bool, error) {
	type kinds struct{ documents, attachments bool }
	found, err := one(ctx, r, hasFiles, nil, func(k *kinds) []any { return []any{&k.documents, &k.attachments} })
	return found.documents || found.attachments, err
}
