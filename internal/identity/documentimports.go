package identity

import (
	"path"
	"strings"
	"time"
	"unicode/utf8"

	"barong/internal/problem"
)

// DocumentHead is the number of bytes at the beginning of a content that determine its type.
const DocumentHead = pdfPreamble

// DocumentImport is a document of another system. Its content is described and not contained: the
// rules need its size and its beginning only.
type DocumentImport struct {
	Type      string
	Number    string // may be empty
	Expire    *time.Time
	Metadata  *string
	Filename  string
	Size      int64     // of the content
	Head      []byte    // the first DocumentHead bytes of the content, or all of a shorter one
	CreatedAt time.Time // zero: now
	UpdatedAt time.Time // zero: CreatedAt
}

const maxFilename = 255 // characters, as in the operation

// Violations of an imported document that depend on other records.
var (
	DocumentUserUnknown   = problem.Violation{Field: "uid", Code: "uid_unknown", Message: "Uid is not found"}
	DocumentOfAnotherUser = problem.Violation{Field: "uid", Code: "document_of_another_user", Message: "Document belongs to another user"}
)

// Violations of an imported document and its file that the other system is the reason of.
var (
	DocumentFileMissing      = problem.Violation{Field: "path", Code: "upload_not_found", Message: "Upload is not found"}
	DocumentFileUnreadable   = problem.Violation{Field: "path", Code: "upload_unreadable", Message: "Upload cannot be read"}
	DocumentPathInvalid      = problem.Violation{Field: "path", Code: "path_invalid", Message: "Path is invalid"}
	DocumentNumberUnreadable = problem.Violation{Field: "doc_number", Code: "doc_number_unreadable", Message: "Doc number cannot be decrypted"}
	DocumentIDInvalid        = problem.Violation{Field: "id", Code: "id_invalid", Message: "Id is invalid"}
)

var (
	filenameInvalid = problem.Violation{Field: "filename", Code: "filename_invalid", Message: "Filename is invalid"}
	metadataNotUTF8 = problem.Violation{Field: "metadata", Code: "metadata_not_utf8", Message: "Metadata is not UTF-8"}
)

// ImportedDocument makes the document of an import, or returns all rules that it breaks: those of
// NewDocument, except that a document may have expired and may have no number. The extension of the
// file name says which type the content must have.
func (p Policy) ImportedDocument(in DocumentImport, now time.Time) (Document, []problem.Violation) {
	var violations []problem.Violation
	switch {
	case in.Size > MaxUpload:
		violations = append(violations, uploadTooLarge)
	case in.Size == 0:
		violations = append(violations, uploadTooSmall)
	}
	contentType, violations := checkExtension(in.Head, path.Ext(in.Filename), violations)
	document, violations := p.describe(DocumentFields{
		Type: in.Type, Number: in.Number, Expire: in.Expire, Metadata: in.Metadata, FileFields: FileFields{Filename: in.Filename},
	}, false, violations)
	check := func(ok bool, violation problem.Violation) {
		if !ok {
			violations = append(violations, violation)
		}
	}
	// Postgres text can contain neither NUL nor invalid UTF-8.
	check(utf8.ValidString(in.Filename) && !strings.ContainsRune(in.Filename, 0) && utf8.RuneCountInString(in.Filename) <= maxFilename, filenameInvalid)
	check(in.Metadata == nil || utf8.ValidString(*in.Metadata), metadataNotUTF8)
	check(!in.CreatedAt.After(now.Add(clockSkew)), createdInFuture)
	check(!in.UpdatedAt.After(now.Add(clockSkew)), updatedInFuture)
	if violations != nil {
		return Document{}, violations
	}
	document.ContentType, document.Size = contentType, in.Size
	document.CreatedAt, document.UpdatedAt = in.CreatedAt, in.UpdatedAt
	if document.CreatedAt.IsZero() {
		document.CreatedAt = now
	}
	if document.UpdatedAt.IsZero() {
		document.UpdatedAt = document.CreatedAt
	}
	return document, nil
}
