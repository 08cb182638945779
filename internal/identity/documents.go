package identity

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"barong/internal/problem"
)

// Document is a proof of a user's identity: its description, and the location of its content.
type Document struct {
	Type        string
	Number      string
	Expire      *time.Time // a date: midnight UTC
	Metadata    *string    // JSON text of up to 64 KiB; rows of earlier versions may have more
	Filename    string     // as given: never a path of this server, see DownloadName
	ContentType string     // as detected in the content
	Size        int64      // of the content, in bytes
	Object      string     // name in the store, which the store assigns
	Key         []byte     // the content's own key, wrapped; nil where the store does not encrypt
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// DocumentFields are the parameters of a new document; nil for an absent optional parameter.
type DocumentFields struct {
	Type     string
	Number   string
	Expire   *time.Time
	Metadata *string
	Filename string
	FileExt  string // with or without its dot, in any case
	Upload   string // base64 (RFC 4648, section 4)
}

// MaxUpload is the maximum size of a content, in bytes.
const MaxUpload = 10 << 20

const (
	maxMetadata       = 64 << 10 // bytes of JSON text
	maxDocumentNumber = 128      // characters
	maxQuotedExt      = 32       // characters of an extension that a message repeats
)

// fileExtensions is in the order in which messages list them.
var (
	fileExtensions = []string{"jpg", "jpeg", "png", "pdf"}
	contentTypes   = map[string]string{"jpg": "image/jpeg", "jpeg": "image/jpeg", "png": "image/png", "pdf": "application/pdf"}
)

var (
	uploadInvalid    = problem.Violation{Field: "upload", Code: "upload_invalid", Message: "Upload is invalid"}
	uploadTooSmall   = problem.Violation{Field: "upload", Code: "upload_too_small", Message: "Upload File size should be greater than 1 Byte"}
	uploadTooLarge   = problem.Violation{Field: "upload", Code: "upload_too_large", Message: "Upload File size should be less than 10 MB"}
	uploadMismatch   = problem.Violation{Field: "upload", Code: "upload_content_mismatch", Message: "Upload content does not match its extension"}
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

var errUploadTooLarge = errors.New("more than 10 MiB")

// NewDocument makes a document of the fields and decodes its content. today is any time of the
// current day. A document that expired before that day (UTC) is rejected, as is one without a date
// of expiry where the policy requires one. The type is matched ignoring case, and stored as in the
// policy. All violations are returned together, in the order upload, type, date of expiry,
// metadata, number. With violations the document is empty.
func (p Policy) NewDocument(f DocumentFields, today time.Time) (Document, []byte, []problem.Violation) {
	content, contentType, violations := checkUpload(f.Upload, f.FileExt)
	expired := f.Expire != nil && f.Expire.Before(today.UTC().Truncate(24*time.Hour))
	document, violations := p.describe(f, expired, violations)
	if violations != nil {
		return Document{}, nil, violations
	}
	document.ContentType, document.Size = contentType, int64(len(content))
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
	return Document{Type: f.Type, Number: f.Number, Expire: f.Expire, Metadata: f.Metadata, Filename: f.Filename}, violations
}

func isDocumentNumberRune(r rune) bool {
	return isAlphanumeric(r) || r == '-' || unicode.IsSpace(r)
}

// checkUpload decodes an upload and compares its type with the extension.
func checkUpload(upload, ext string) (content []byte, contentType string, violations []problem.Violation) {
	content, err := decodeUpload(upload)
	switch {
	case errors.Is(err, errUploadTooLarge):
		violations = append(violations, uploadTooLarge)
	case err != nil:
		violations = append(violations, uploadInvalid)
	case len(content) == 0:
		violations = append(violations, uploadTooSmall)
	}
	contentType, violations = checkExtension(content, ext, violations)
	return content, contentType, violations
}

// checkExtension compares the type of a content with an extension, and appends the violations to
// those of the content. The first bytes of the content determine its type, never the name. The type
// of a content with violations is not determined.
func checkExtension(content []byte, ext string, violations []problem.Violation) (contentType string, _ []problem.Violation) {
	ext = strings.TrimPrefix(ext, ".")
	contentType, known := contentTypes[strings.ToLower(ext)]
	switch {
	case !known:
		violations = append(violations, problem.Violation{Field: "file_ext", Code: "file_ext_not_allowed", LogMessage: "Upload has an extension that is not allowed", Message: fmt.Sprintf(
			`Upload You are not allowed to upload "%s" files, allowed types: %s`, beginning(ext, maxQuotedExt), strings.Join(fileExtensions, ", "))})
	case violations == nil && detectContentType(content, contentType) != contentType:
		violations = append(violations, uploadMismatch)
	}
	return contentType, violations
}

// pdfPreamble is the number of bytes at the start of a file that may precede the PDF header:
// printers add lines there, and PDF readers accept them (PDF 1.7, annex H, note 13).
const pdfPreamble = 1024

// detectContentType detects the type of a content with a declared type. Bytes before a PDF header
// are ignored, unless a browser would execute them.
func detectContentType(content []byte, declared string) string {
	sniffed := http.DetectContentType(content)
	if declared == contentTypes["pdf"] && !strings.HasPrefix(sniffed, "text/html") && bytes.Contains(content[:min(len(content), pdfPreamble)], []byte("%PDF-")) {
		return declared
	}
	return sniffed
}

// decodeUpload decodes standard base64 with or without padding; line breaks are ignored. Non-zero
// trailing bits are an error, because a truncated text ends in them. A content of more than 10 MiB
// is not decoded.
func decodeUpload(upload string) ([]byte, error) {
	significant := strings.TrimRight(upload, "\r\n=")
	size := base64.RawStdEncoding.DecodedLen(len(significant) - strings.Count(significant, "\n") - strings.Count(significant, "\r"))
	if size > MaxUpload {
		return nil, errUploadTooLarge
	}
	encoding := base64.RawStdEncoding
	if strings.HasSuffix(strings.TrimRight(upload, "\r\n"), "=") {
		encoding = base64.StdEncoding
	}
	return encoding.Strict().DecodeString(upload)
}

// beginning is s, or its first n characters and an ellipsis.
func beginning(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n]) + "…"
}

const maxDownloadName = 150 // bytes: a header with all of them escaped stays within common limits

// DownloadName is the name under which a browser may save the content: the last part of the given
// file name, without characters that control a terminal or the direction of text, and with an
// extension that matches the content type.
func (d Document) DownloadName() string {
	name := path.Base(strings.ReplaceAll(d.Filename, `\`, "/"))
	name = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == utf8.RuneError || strings.ContainsRune(`/:*?"<>|`, r) {
			return -1
		}
		return r
	}, name)
	name = strings.Trim(name, ". ")
	for len(name) > maxDownloadName {
		_, size := utf8.DecodeLastRuneInString(name)
		name = name[:len(name)-size]
	}
	if name == "" {
		name = "document"
	}
	ext := strings.ToLower(strings.TrimPrefix(path.Ext(name), "."))
	if contentTypes[ext] == d.ContentType {
		return name
	}
	for _, known := range fileExtensions {
		if contentTypes[known] == d.ContentType {
			return name + "." + known
		}
	}
	return name
}

// DocumentLabel is the key of the private label for the state of a user's documents.
const DocumentLabel = "document"

// Values of the document label. A reviewer sets verified.
const (
	DocumentPending  = "pending"
	DocumentVerified = "verified"
)

// ErrNoDocument is the only error for an invalid document URL, so that it does not reveal whether
// the document exists.
var ErrNoDocument = problem.New(problem.NotFound, "Document is not found or its URL has expired")
