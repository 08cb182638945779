package identity

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"barong/internal/problem"
)

// File describes the content of a document or an attachment, and where it is stored.
type File struct {
	Filename    string // as given: never a path of this server, see DownloadName
	ContentType string // as detected in the content
	Size        int64  // of the content, in bytes
	Object      string // name in the store, which the store assigns
	Key         []byte // the content's own key, wrapped; nil where the store does not encrypt

	// Digest is SHA-256 of the content of a file that was stored now, and nil of one that is read.
	Digest []byte
}

// FileFields are the parameters of an uploaded file.
type FileFields struct {
	Filename string
	FileExt  string // with or without its dot, in any case
	Upload   string // base64 (RFC 4648, section 4)
}

// MaxUpload is the maximum size of a content, in bytes.
const MaxUpload = 10 << 20

// maxQuotedExt is the number of characters of an extension that a message repeats.
const maxQuotedExt = 32

// fileExtensions is in the order in which messages list them.
var (
	fileExtensions = []string{"jpg", "jpeg", "png", "pdf"}
	contentTypes   = map[string]string{"jpg": "image/jpeg", "jpeg": "image/jpeg", "png": "image/png", "pdf": "application/pdf"}
)

var (
	uploadInvalid  = problem.Violation{Field: "upload", Code: "upload_invalid", Message: "Upload is invalid"}
	uploadTooSmall = problem.Violation{Field: "upload", Code: "upload_too_small", Message: "Upload File size should be greater than 1 Byte"}
	uploadTooLarge = problem.Violation{Field: "upload", Code: "upload_too_large", Message: "Upload File size should be less than 10 MB"}
	uploadMismatch = problem.Violation{Field: "upload", Code: "upload_content_mismatch", Message: "Upload content does not match its extension"}
)

var errUploadTooLarge = errors.New("more than 10 MiB")

// NewFile decodes the content of an upload and compares its type with the extension. Its rules are
// those of every upload. All violations are returned together; with violations the file is of no use.
func NewFile(f FileFields) (file File, content []byte, violations []problem.Violation) {
	content, err := decodeUpload(f.Upload)
	switch {
	case errors.Is(err, errUploadTooLarge):
		violations = append(violations, uploadTooLarge)
	case err != nil:
		violations = append(violations, uploadInvalid)
	case len(content) == 0:
		violations = append(violations, uploadTooSmall)
	}
	contentType, violations := checkExtension(content, f.FileExt, violations)
	return File{Filename: f.Filename, ContentType: contentType, Size: int64(len(content))}, content, violations
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
func (f File) DownloadName() string {
	name := path.Base(strings.ReplaceAll(f.Filename, `\`, "/"))
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
	if contentTypes[ext] == f.ContentType {
		return name
	}
	for _, known := range fileExtensions {
		if contentTypes[known] == f.ContentType {
			return name + "." + known
		}
	}
	return name
}

// ErrNoDocument is the only error for an invalid URL of a document or an attachment, so that it does not reveal whether
// the file exists.
var ErrNoDocument = problem.New(problem.NotFound, "Document is not found or its URL has expired")
