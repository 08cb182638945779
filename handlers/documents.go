package handlers

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"

	"barong/generated"
	"barong/internal/documents"
	"barong/internal/identity"
	"barong/internal/problem"
)

// CreateDocument stores a document: the content first; then its row, the document label and the
// account status in one transaction.
func (h *Handlers) CreateDocument(ctx context.Context, request generated.CreateDocumentRequestObject) (generated.CreateDocumentResponseObject, error) {
	parameters := request.JSONBody
	room, err := h.writes(ctx).HasRoomForDocument(ctx, parameters.UID, parameters.Metadata)
	if err != nil {
		return nil, err
	}
	fields := identity.DocumentFields{
		Type: parameters.DocType, Number: parameters.DocNumber, Metadata: parameters.Metadata,
		FileFields: identity.FileFields{Filename: parameters.Filename, FileExt: parameters.FileExt, Upload: parameters.Upload},
	}
	if parameters.DocExpire != nil {
		fields.Expire = &parameters.DocExpire.Time
	}
	document, content, violations := h.Policy.NewDocument(fields, h.now())
	if !room { // checked before the content is stored, and again when the row is inserted
		violations = append(violations, identity.TooManyDocuments)
	}
	if err := problem.Invalid(violations...); err != nil {
		return nil, err
	}
	document.CreatedAt = h.now()
	document.UpdatedAt = document.CreatedAt
	if err := h.Documents.Put(ctx, documents.Document, &document.File, content); err != nil {
		return nil, err
	}
	user, err := h.writes(ctx).InsertDocument(ctx, parameters.UID, document, *parameters.UpdateLabels, h.status)
	if err != nil {
		h.removeOrphan(ctx, document.File, err)
		return nil, err
	}
	return generated.CreateDocument201JSONResponse{UserWithProfileJSONResponse: viewUserWithProfile(user)}, nil
}

// abandonTimeout limits the removal of a file after a failed insert.
const abandonTimeout = 5 * time.Second

// removeOrphan removes the content of a file whose row was not inserted. Where the database may
// have committed the row after all, because the connection broke during the commit, the file stays,
// and `barong documents sweep` decides.
func (h *Handlers) removeOrphan(ctx context.Context, f identity.File, cause error) {
	if ctx.Err() != nil || problem.KindOf(cause) == problem.Unavailable {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, abandonTimeout)
	defer cancel()
	_ = h.Documents.Remove(ctx, f.Object)
}

// readTimeout limits sending a file: 10 MiB at slightly less than 100 KiB a second. It also
// ends reads from a store that hangs.
const readTimeout = 2 * time.Minute

// ServeDocument responds to the signed URL of a document or an attachment with the content. When it returns an error, it has written
// nothing.
func (h *Handlers) ServeDocument(w http.ResponseWriter, r *http.Request) error {
	object, query := chi.URLParam(r, "object"), r.URL.Query()
	if err := h.Documents.Verify(object, query.Get("expires"), query.Get("signature")); err != nil {
		return err
	}
	file, err := h.Repo.FindFile(r.Context(), object)
	if problem.KindOf(err) == problem.NotFound {
		return identity.ErrNoDocument.WithCause(err)
	}
	if err != nil {
		return err
	}
	// A download may take longer than an operation.
	reading, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), readTimeout)
	defer cancel()
	stored, err := h.Documents.Read(reading, file)
	if err != nil {
		return err
	}
	defer stored.Close()
	content := bufio.NewReader(stored)
	if _, err := content.Peek(1); err != nil { // content that cannot be decrypted fails here, before the headers are written
		return err
	}
	header := w.Header()
	header.Set("Content-Type", file.ContentType)
	header.Set("Content-Length", strconv.FormatInt(file.Size, 10))
	header.Set("Content-Disposition", documents.ContentDisposition(file))
	header.Set("Cache-Control", documents.CacheControl)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	header.Set("Referrer-Policy", "no-referrer")
	if r.Method == http.MethodHead {
		return nil
	}
	// An interrupted response is shorter than its Content-Length, so no client takes it for
	// complete.
	_, _ = io.Copy(w, content)
	return nil
}
