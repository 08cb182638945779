package handlers

import (
	"context"

	"barong/generated"
	"barong/identity"
)

// CreateDocument is in the specification and not served yet.
func (h *Handlers) CreateDocument(context.Context, generated.CreateDocumentRequestObject) (generated.CreateDocumentResponseObject, error) {
	return nil, identity.E(identity.NotImplemented, "Documents are not served yet")
}
