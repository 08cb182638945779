package handlers

import (
	"context"

	"barong/generated"
	"barong/internal/documents"
	"barong/internal/identity"
	"barong/internal/problem"
)

// CreateAttachment stores a file: the content first, then its row.
func (h *Handlers) CreateAttachment(ctx context.Context, request generated.CreateAttachmentRequestObject) (generated.CreateAttachmentResponseObject, error) {
	parameters := request.JSONBody
	if err := h.mayAttach(ctx, parameters.UID); err != nil {
		return nil, err
	}
	file, content, violations := identity.NewFile(identity.FileFields{
		Filename: parameters.Filename, FileExt: parameters.FileExt, Upload: parameters.Upload,
	})
	if err := problem.Invalid(violations...); err != nil {
		return nil, err
	}
	attachment := identity.Attachment{UserUID: parameters.UID, File: file, CreatedAt: h.now()}
	attachment.UpdatedAt = attachment.CreatedAt
	if err := h.Documents.Put(ctx, documents.Attachment, &attachment.File, content); err != nil {
		return nil, err
	}
	if err := h.writes(ctx).InsertAttachment(ctx, &attachment); err != nil {
		h.removeOrphan(ctx, attachment.File, err)
		return nil, err
	}
	return h.viewAttachment(ctx, attachment)
}

func (h *Handlers) viewAttachment(ctx context.Context, a identity.Attachment) (generated.CreateAttachmentResponseObject, error) {
	url, err := h.Documents.URL(ctx, a.File)
	if err != nil {
		return nil, err
	}
	return generated.CreateAttachment201JSONResponse{ID: a.ID, UserUID: a.UserUID, Upload: url}, nil
}

// mayAttach reports an unknown user and a spent key before the content is stored. Both are checked again
// when the row is inserted.
func (h *Handlers) mayAttach(ctx context.Context, uid *string) error {
	if uid == nil {
		return h.writes(ctx).KeysUnspent(ctx)
	}
	return h.writes(ctx).UserExists(ctx, *uid)
}
