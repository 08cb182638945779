package identity

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"barong/internal/problem"
)

// Document is a proof of a user's identity: its description and its file.
type Document struct {
	Type     string
	Number   string
	Expire   *time.Time // a date: midnight UTC
	Metadata *string    // JSON text of up to 64 KiB; rows of earlier versions may have more
	File
	CreatedAt time.Time
	UpdatedAt time.Time
}

// DocumentFields are the parameters of a new document; nil for an absent optional parameter.
type DocumentFields struct {
	Type     string
	Number   string
	Expire   *time.Time
	Metadata *string
	FileFields
}

const (
	maxMetadata       = 64 << 10 // bytes of JSON text
	maxDocumentNumber = 128      // characters
)

var (
	docTypeUnknown   = problem.Violation{Field: "doc_type", Code: "doc_type_not_included", Message: "Doc type is not included in the list"}
	docExpireBlank   = problem.Violation{Field: "doc_expire", Code: "doc_expire_blank", Message: "Doc expire can't be blank"}
	docExpireInvalid = problem.Violation{Field: "doc_expire", Code: "doc_expire_invalid", Message: "Doc expire is invalid"}
	metadataInvalid  = problem.Violation{Field: "metadata", Code: "metadata_invalid", Message: "Metadata data is not json compatible string"}
	docNumberInvalid = problem.Violation{Field: "doc_number", Code: "doc_number_invalid", Message: "Doc number only allows letters and digits"}
	docNumberTooLong = problem.Violation{Field: "doc_number", Code: "doc_number_too_long", Message: fmt.Sprintf("Doc number is too long (maximum is %d characters)", maxDocumentNumber)}
)

// Limits for a user's documents: their number, and the total of their metadata in bytes. They keep
// a response with all documents small. Documents of earlier versions beyond the limits are kept and
// returned.
const (
	MaxDocuments         = 1000
	MaxDocumentsMetadata = 1 << 20
)

// TooManyDocuments is reported when another document would exceed MaxDocuments
// or MaxDocumentsMetadata.
var TooManyDocuments = problem.Violation{Code: "too_many_documents", Message: "Too many documents"}

// NewDocument makes a document of the fields and decodes its content. today is any time of the
// current day. A document that expired before that day (UTC) is rejected, as is one without a date
// of expiry where the policy requires one. The type is matched ignoring case, and stored as in the
// policy. All violations are returned together, in the order upload, type, date of expiry,
// metadata, number. With violations the document is empty.
func (p Policy) NewDocument(f DocumentFields, today time.Time) (Document, []byte, []problem.Violation) {
	file, content, violations := NewFile(f.FileFields)
	expired := f.Expire != nil && f.Expire.Before(today.UTC().Truncate(24*time.Hour))
	document, violations := p.describe(f, expired, violations)
	if violations != nil {
		return Document{}, nil, violations
	}
	document.File = file
	return document, content, nil
}

// describe makes a document without its content, and appends the violations of its fields to those
// of the content. expired rejects the date of expiry.
func (p Policy) describe(f DocumentFields, expired bool, violations []problem.Violation) (Document, []problem.Violation) {
	known := slices.IndexFunc(p.DocumentTypes, func(t string) bool { return strings.EqualFold(t, f.Type) })
	if known < 0 {
		violations = append(violations, docTypeUnknown)
	} else {
		f.Type = p.DocumentTypes[known]
	}
	switch {
	case f.Expire == nil && p.RequireDocumentExpiry:
		violations = append(violations, docExpireBlank)
	case expired:
		violations = append(violations, docExpireInvalid)
	}
	if f.Metadata != nil && (len(*f.Metadata) > maxMetadata || !json.Valid([]byte(*f.Metadata))) {
		violations = append(violations, metadataInvalid)
	}
	if strings.ContainsFunc(f.Number, func(r rune) bool { return !isDocumentNumberRune(r) }) {
		violations = append(violations, docNumberInvalid)
	}
	if utf8.RuneCountInString(f.Number) > maxDocumentNumber {
		violations = append(violations, docNumberTooLong)
	}
	return Document{Type: f.Type, Number: f.Number, Expire: f.Expire, Metadata: f.Metadata, File: File{Filename: f.Filename}}, violations
}

func isDocumentNumberRune(r rune) bool {
	return isAlphanumeric(r) || r == '-' || unicode.IsSpace(r)
}

// DocumentLabel is the key of the private label for the state of a user's documents.
const DocumentLabel = "document"

// Values of the document label. A reviewer sets verified.
const (
	DocumentPending  = "pending"
	DocumentVerified = "verified"
)
