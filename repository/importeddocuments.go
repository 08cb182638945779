package repository

import (
	"bytes"
	"context"

	sq "github.com/Masterminds/squirrel"
	"github.com/jackc/pgx/v5"

	"barong/internal/identity"
	"barong/internal/journal"
)

// ImportedDocument is a document of another system.
type ImportedDocument struct {
	Source   string // the name of the system
	SourceID string // of the document in that system
	Digest   []byte // of what the system says of the document; another digest is a change
	UID      string // of the user
	Document identity.Document

	id int64 // of the row in documents
}

// DocumentOutcome says what an import does with a document.
type DocumentOutcome int

// The outcomes of an imported document.
const (
	DocumentInserted    DocumentOutcome = iota // it is new
	DocumentUpdated                            // it was imported before, and has changed since
	DocumentUnchanged                          // it was imported before; its content here is not used
	DocumentOfNobody                           // its user does not exist
	DocumentOfAnother                          // it was imported before, for another user
	DocumentWithoutRoom                        // its user has too many documents
)

// DocumentDecision is an outcome, and the name of the content that the update of the document
// replaces.
type DocumentDecision struct {
	Outcome  DocumentOutcome
	Replaced string
}

// knownDocument is a document that was imported before.
type knownDocument struct {
	SourceID     string
	ID           int64
	Digest       []byte
	UserID       int64
	Object       string
	MetadataSize int64
}

func (d *knownDocument) targets() []any {
	return []any{&d.SourceID, &d.ID, &d.Digest, &d.UserID, &d.Object, &d.MetadataSize}
}

// documentUsage is what the documents of a user take of its limits.
type documentUsage struct {
	UserID       int64
	Documents    int64
	MetadataSize int64
}

func (u *documentUsage) targets() []any { return []any{&u.UserID, &u.Documents, &u.MetadataSize} }

var (
	importedDocs = importedDocumentsTable

	// lockUsers locks in the order of ids, so that two imports do not wait for each other.
	lockUsers = compile(selectUsersOfDocuments().OrderBy(usersTable.id).Suffix(forNoKeyUpdate))

	selectOwners = compile(selectUsersOfDocuments())

	sumDocuments = compile(sq.Select(documentsTable.userID, "count(*)", "coalesce(sum(octet_length("+documentsTable.metadata+")), 0)").
			From(documentsTable.name).Where(anyOf(documentsTable.userID, "bigint", arg("ids"))).GroupBy(documentsTable.userID))

	selectKnownDocuments = compile(sq.Select("i."+importedDocs.sourceID, "d."+documentsTable.id, "i."+importedDocs.digest, "d."+documentsTable.userID,
		"d."+documentsTable.object, "coalesce(octet_length(d."+documentsTable.metadata+"), 0)").
		From(aliased(importedDocs.name, "i")).
		Join(aliased(documentsTable.name, "d")+" ON d."+documentsTable.id+" = i."+importedDocs.documentID).
		Where("i."+importedDocs.source+" = ?", importedDocumentColumns.arg(importedDocs.source)).
		Where(anyOf("i."+importedDocs.sourceID, "text", arg("source ids"))))

	reserveDocumentIDs = compile(sq.Select().Column("nextval(pg_get_serial_sequence("+text(documentsTable.name)+", "+text(documentsTable.id)+"))").
				FromSelect(sq.Select().Column("generate_series(1, ?::integer)", arg("n")), "numbers"))

	updateDocument = compile(documentColumns.set(sq.Update(documentsTable.name)).
			Where(documentsTable.id+" = ?", importedDocumentColumns.arg(importedDocs.documentID)))

	updateImportedDocument = compile(importedDocumentColumns.only(importedDocs.digest).set(sq.Update(importedDocs.name)).
				Where(importedDocs.documentID+" = ?", importedDocumentColumns.arg(importedDocs.documentID)))
)

func selectUsersOfDocuments() sq.SelectBuilder {
	return sq.Select(usersTable.uid, usersTable.id).From(usersTable.name).Where(anyOf(usersTable.uid, "text", arg("uids")))
}

// DocumentUsage is what documents take of the limits of their users, by the users' ids.
type DocumentUsage map[int64]documentUsage

// add adds a document to what its user has.
func (u DocumentUsage) add(user, documents, metadataSize int64) {
	used := u[user]
	used.UserID, used.Documents, used.MetadataSize = user, used.Documents+documents, used.MetadataSize+metadataSize
	u[user] = used
}

// DecideDocuments says what ImportDocuments would do with documents of one source, and stores
// nothing. The documents need no content. A usage that is not nil counts beside the documents in
// the database, and DecideDocuments adds the documents to it: successive calls with it decide as
// successive calls of ImportDocuments.
func (r *Repository) DecideDocuments(ctx context.Context, documents []ImportedDocument, usage DocumentUsage) ([]DocumentDecision, error) {
	plan, err := r.planDocuments(ctx, selectOwners, documents, usage)
	if err != nil {
		return nil, err
	}
	return plan.decisions, nil
}

// ImportDocuments stores new documents, and updates changed ones, in one transaction. The documents
// have one source and different ids there; their contents are in the store. No label, level or
// state changes. The limits of a user's documents hold under concurrent inserts as well.
//
// The content of a document that is neither inserted nor updated, and content that an update
// replaces, belong to no row afterwards. Where the transaction was committed and its result was
// lost, a second call has the same outcome. The record has the batch.
func (r *Repository) ImportDocuments(ctx context.Context, documents []ImportedDocument, batch journal.Batch) (decisions []DocumentDecision, err error) {
	err = r.InTx(ctx, func(tx *Repository) error {
		plan, err := tx.planDocuments(ctx, lockUsers, documents, nil)
		if err != nil {
			return err
		}
		decisions = plan.decisions
		if err := tx.insertImportedDocuments(ctx, documents, plan); err != nil {
			return err
		}
		if err := tx.updateImportedDocuments(ctx, documents, plan); err != nil {
			return err
		}
		batch.Documents = plan.written(documents)
		return tx.recordBatch(ctx, batch.Documents, batch)
	})
	return decisions, err
}

// documentPlan is what becomes of each document of a batch.
type documentPlan struct {
	decisions []DocumentDecision
	owners    map[string]int64         // from uid to user id
	known     map[string]knownDocument // by source id
}

// planDocuments reads the users with a statement that may lock them, then their documents. It adds
// the documents to a usage that is not nil.
func (r *Repository) planDocuments(ctx context.Context, users statement, documents []ImportedDocument, more DocumentUsage) (plan documentPlan, err error) {
	plan = documentPlan{decisions: make([]DocumentDecision, len(documents)), owners: map[string]int64{}, known: map[string]knownDocument{}}
	if len(documents) == 0 {
		return plan, nil
	}
	uids, sourceIDs := make([]string, len(documents)), make([]string, len(documents))
	for i, d := range documents {
		uids[i], sourceIDs[i] = d.UID, d.SourceID
	}
	var ids []int64
	err = each(ctx, r, users, args{"uids": uids}, (*owner).targets, func(u *owner) error {
		plan.owners[u.value] = u.id
		ids = append(ids, u.id)
		return nil
	})
	if err != nil {
		return plan, err
	}
	given := args{"ids": ids, "source ids": sourceIDs, importedDocumentColumns.arg(importedDocs.source): documents[0].Source}
	usage := DocumentUsage{}
	batch := &pgx.Batch{}
	batch.Queue(selectKnownDocuments.sql, selectKnownDocuments.bind(given)...).Query(func(rows pgx.Rows) error {
		return visitRows(rows, (*knownDocument).targets, func(d *knownDocument) error {
			known := *d
			known.Digest = bytes.Clone(d.Digest)
			plan.known[d.SourceID] = known
			return nil
		})
	})
	batch.Queue(sumDocuments.sql, sumDocuments.bind(given)...).Query(func(rows pgx.Rows) error {
		return visitRows(rows, (*documentUsage).targets, func(u *documentUsage) error { usage[u.UserID] = *u; return nil })
	})
	if err := r.db.SendBatch(ctx, batch).Close(); err != nil {
		return plan, translate(err)
	}
	for _, id := range ids {
		usage.add(id, more[id].Documents, more[id].MetadataSize)
	}
	for i, d := range documents {
		plan.decisions[i] = plan.decide(d, usage, more)
	}
	return plan, nil
}

// decide decides on one document. It adds the document to the usage of its user, and to more unless
// that is nil.
func (p *documentPlan) decide(d ImportedDocument, usage, more DocumentUsage) DocumentDecision {
	owner, exists := p.owners[d.UID]
	known, again := p.known[d.SourceID]
	switch {
	case !exists:
		return DocumentDecision{Outcome: DocumentOfNobody}
	case again && known.UserID != owner:
		return DocumentDecision{Outcome: DocumentOfAnother}
	case p.stored(d): // its result was lost
		return DocumentDecision{Outcome: DocumentInserted}
	case again && bytes.Equal(known.Digest, d.Digest):
		return DocumentDecision{Outcome: DocumentUnchanged}
	}
	decision, count, size := DocumentDecision{Outcome: DocumentInserted}, int64(1), metadataSize(d.Document.Metadata)
	if again {
		decision, count, size = DocumentDecision{Outcome: DocumentUpdated, Replaced: known.Object}, 0, size-known.MetadataSize
	}
	used := usage[owner]
	if count > 0 && used.Documents >= identity.MaxDocuments || size > 0 && used.MetadataSize+size > identity.MaxDocumentsMetadata {
		return DocumentDecision{Outcome: DocumentWithoutRoom}
	}
	usage.add(owner, count, size)
	if more != nil {
		more.add(owner, count, size)
	}
	return decision
}

// stored reports whether an earlier call has stored the content of the document.
func (p *documentPlan) stored(d ImportedDocument) bool {
	known, again := p.known[d.SourceID]
	return again && known.Object == d.Document.Object
}

// written returns how many of the documents are stored now.
func (p *documentPlan) written(documents []ImportedDocument) (n int64) {
	for i, decision := range p.decisions {
		if decision.Outcome == DocumentUpdated || decision.Outcome == DocumentInserted && !p.stored(documents[i]) {
			n++
		}
	}
	return n
}

func (r *Repository) insertImportedDocuments(ctx context.Context, documents []ImportedDocument, plan documentPlan) error {
	var fresh []*ImportedDocument
	for i := range documents {
		if plan.decisions[i].Outcome == DocumentInserted && !plan.stored(documents[i]) {
			fresh = append(fresh, &documents[i])
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	ids, err := all(ctx, r, reserveDocumentIDs, args{"n": len(fresh)}, single[int64])
	if err != nil {
		return err
	}
	columns := append([]string{documentsTable.id, documentsTable.userID}, documentColumns.names()...)
	err = r.copy(ctx, documentsTable.name, columns, pgx.CopyFromSlice(len(fresh), func(i int) ([]any, error) {
		fresh[i].id = ids[i]
		return documentColumns.appendValues([]any{ids[i], plan.owners[fresh[i].UID]}, &fresh[i].Document), nil
	}))
	if err != nil {
		return err
	}
	return r.copy(ctx, importedDocs.name, importedDocumentColumns.names(), pgx.CopyFromSlice(len(fresh), func(i int) ([]any, error) {
		return importedDocumentColumns.appendValues(nil, fresh[i]), nil
	}))
}

func (r *Repository) updateImportedDocuments(ctx context.Context, documents []ImportedDocument, plan documentPlan) error {
	batch := &pgx.Batch{}
	for i := range documents {
		d := documents[i]
		if plan.decisions[i].Outcome != DocumentUpdated {
			continue
		}
		d.id = plan.known[d.SourceID].ID
		given := args{}
		documentColumns.bind(given, &d.Document)
		importedDocumentColumns.bind(given, &d)
		batch.Queue(updateDocument.sql, updateDocument.bind(given)...)
		batch.Queue(updateImportedDocument.sql, updateImportedDocument.bind(given)...)
	}
	if batch.Len() == 0 {
		return nil
	}
	return translate(r.db.SendBatch(ctx, batch).Close())
}
