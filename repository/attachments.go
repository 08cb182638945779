package repository

import (
	"context"
	"encoding/hex"

	sq "github.com/Masterminds/squirrel"

	"barong/internal/identity"
)

var (
	// insertAttachment stores an attachment of a user, and writes nothing where there is none.
	insertAttachment = recordedAttachment(sq.Insert(attachmentsTable.name).Columns(attachmentsTable.userID).Columns(attachmentColumns.names()...).
				Select(attachmentColumns.selectArgs(sq.Select("u."+usersTable.id)).
					From(aliased(usersTable.name, "u")).Where(isUser("u"))).
				Suffix(returning(attachmentsTable.id)),
		typed("uid", "text"), jsonObject("account", accountBefore))

	insertOwnerlessAttachment = recordedAttachment(sq.Insert(attachmentsTable.name).Columns(attachmentColumns.names()...).
					Select(attachmentColumns.selectArgs(sq.Select())).
					Suffix(returning(attachmentsTable.id)), nullText, nothingChanged)

	selectAttachment = compile(sq.Select("u."+usersTable.uid).Columns(qualified("a", attachmentColumns.names()...)...).
				From(aliased(attachmentsTable.name, "a")).
				LeftJoin(aliased(usersTable.name, "u")+" ON u."+usersTable.id+" = a."+attachmentsTable.userID).
				Where("a."+attachmentsTable.id+" = ?", arg("id")))

	countAttachments = compile(sq.Select("count(*)").From(attachmentsTable.name))
)

// recordedAttachment is an insert that is recorded as of a uid, with what the journal has beside the
// attachment.
func recordedAttachment(insert, uid, beside sq.Sqlizer) *recorded {
	id := sq.Expr("written." + attachmentsTable.id)
	attachment := jsonObject("id", id, "size", typed(attachmentColumns.arg(attachmentsTable.size), "bigint"), "digest", typed(contentDigest, "text"))
	return recordedWrite(insert, uid, jsonMerged(jsonObject("attachment", attachment), beside), utf8Of(jsonObject("id", id)))
}

// InsertAttachment stores the row of an attachment whose content is in the store already, and sets
// its id. An unknown user is identity.ErrRecordNotFound.
func (r *Repository) InsertAttachment(ctx context.Context, a *identity.Attachment) (err error) {
	given, insert := args{contentDigest: hex.EncodeToString(a.Digest)}, insertOwnerlessAttachment
	if a.UserUID != nil {
		given["uid"], insert = *a.UserUID, insertAttachment
	}
	attachmentColumns.bind(given, a)
	a.ID, err = r.idOfWrite(ctx, insert, given)
	return err
}

// FindAttachment returns the attachment with this id, or identity.ErrRecordNotFound.
func (r *Repository) FindAttachment(ctx context.Context, id int64) (identity.Attachment, error) {
	found, err := one(ctx, r, selectAttachment, args{"id": id}, func(a *identity.Attachment) []any {
		return attachmentColumns.appendTargets([]any{&a.UserUID}, a)
	})
	found.ID = id
	return found, err
}

// CountAttachments returns the number of attachments.
func (r *Repository) CountAttachments(ctx context.Context) (int64, error) {
	return one(ctx, r, countAttachments, nil, single[int64])
}
