package repository

import (
	"context"
	"encoding/hex"

	sq "github.com/Masterminds/squirrel"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"barong/internal/identity"
	"barong/internal/problem"
)

// contentDigest is SHA-256 of the content of a new file, in hexadecimal digits.
const contentDigest = arg("digest of the content")

// hasRoom is true where a user u may have another document with this many bytes of metadata.
var hasRoom = subselect(sq.Select().Column(sq.Expr("count(*) < ? AND coalesce(sum(octet_length(d."+documentsTable.metadata+")), 0) + ?::bigint <= ?",
	identity.MaxDocuments, arg("metadata size"), identity.MaxDocumentsMetadata)).
	From(aliased(documentsTable.name, "d")).Where("d." + documentsTable.userID + " = u." + usersTable.id))

var (
	findRoom = compile(sq.Select().Column(hasRoom).From(aliased(usersTable.name, "u")).Where(isUser("u")))

	// insertDocument writes nothing where the user has no room. It runs under the lock of the
	// user's row, which every insert of a document takes, so the check holds until the transaction
	// ends.
	insertDocument = documentWrite(privateLabels)

	// insertLabelledDocument also sets the document label to pending, unless it is verified already.
	insertLabelledDocument = documentWrite(relabelled, cte{"labelled", sq.Insert(labelsTable.name).
				Columns(labelsTable.userID).Columns(timedLabelColumns.names()...).
				Select(sq.Select("account."+usersTable.id, text(identity.DocumentLabel), text(identity.DocumentPending), text(identity.ScopePrivate)).
					Column("?", arg("now")).Column("?", arg("now")).From("account").JoinClause("CROSS JOIN written")).
				Suffix(onConflictReplace(labelsUnique, []string{labelsTable.value, labelsTable.updatedAt}) +
			onlyWhere(labelsTable.name+"."+labelsTable.value+" <> excluded."+labelsTable.value+
				" AND "+labelsTable.name+"."+labelsTable.value+" <> "+text(identity.DocumentVerified))).
		Suffix(returning(setLabel...))})

	findUserWithProfiles = compile(withProfiles(selectUsers()).From(aliased(usersTable.name, "u")).Where(isUser("u")))

	countDocuments = compile(sq.Select("count(*)").From(documentsTable.name))
)

// documentWrite is the insert of a document, after which the user has these labels. more are further queries:
// labelled, if the insert sets a label.
func documentWrite(labels sq.SelectBuilder, more ...cte) *statusWrite {
	changed := jsonObject("document", jsonObject(
		"id", sq.Expr("written."+documentsTable.id), "type", typed(documentColumns.arg(documentsTable.docType), "text"),
		"size", typed(documentColumns.arg(documentsTable.size), "bigint"), "digest", typed(contentDigest, "text")))
	if len(more) > 0 {
		changed = jsonMerged(changed, labelledChange)
	}
	insert := sq.Insert(documentsTable.name).Columns(documentsTable.userID).Columns(documentColumns.names()...).
		Select(documentColumns.selectArgs(sq.Select("u." + usersTable.id)).From(aliased("account", "u")).Where(hasRoom)).
		Suffix(returning(documentsTable.id))
	return &statusWrite{
		parts: append([]cte{{"written", insert}}, more...), source: "written", changes: "true", changed: changed, answer: noAnswer,
		labels: labels, main: sq.Select(documentsTable.id).From("written"),
	}
}

// InsertDocument stores the row of a document whose content is in the store already, and returns
// its user with all profiles. With follow, the same transaction also sets the user's document label
// and updates the account status. An unknown user is identity.ErrRecordNotFound. A user without
// room for the document is identity.TooManyDocuments, which also holds under concurrent inserts.
func (r *Repository) InsertDocument(ctx context.Context, uid string, d identity.Document, follow bool, status *AccountStatus) (user identity.User, err error) {
	stored := false
	d.UpdatedAt = d.CreatedAt
	given := args{"metadata size": metadataSize(d.Metadata), contentDigest: hex.EncodeToString(d.Digest)}
	documentColumns.bind(given, &d)
	write := insertDocument
	if follow {
		write = insertLabelledDocument
	}
	err = r.withStatusUpdate(ctx, uid, status, d.CreatedAt, write, given, func(written *pgx.QueuedQuery) {
		written.Exec(func(tag pgconn.CommandTag) error {
			stored = tag.RowsAffected() == 1
			return nil
		})
	}, func(batch *pgx.Batch) { queueUserWithProfiles(batch, uid, &user) })
	if err == nil && !stored {
		err = problem.Invalid(identity.TooManyDocuments)
	}
	return user, err
}

// HasRoomForDocument reports whether a user may have another document with this metadata. It serves
// to avoid a useless upload; InsertDocument makes the decision. An unknown user is
// identity.ErrRecordNotFound, and a spent key of the record ErrKeySpent.
func (r *Repository) HasRoomForDocument(ctx context.Context, uid string, metadata *string) (room bool, err error) {
	return firstQuestion(ctx, r, findRoom, args{"uid": uid, "metadata size": metadataSize(metadata)}, single[bool])
}

func metadataSize(metadata *string) int64 {
	if metadata == nil {
		return 0
	}
	return int64(len(*metadata))
}

// CountDocuments returns the number of documents.
func (r *Repository) CountDocuments(ctx context.Context) (int64, error) {
	return one(ctx, r, countDocuments, nil, single[int64])
}
