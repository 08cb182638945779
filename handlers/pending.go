package handlers

import (
	"context"
	"errors"

	"barong/generated"
)

// errPending is of this branch only: each worker deletes the methods that it builds.
var errPending = errors.New("not built yet")

func (h *Handlers) UpdateUser(context.Context, generated.UpdateUserRequestObject) (generated.UpdateUserResponseObject, error) {
	return nil, errPending
}

func (h *Handlers) CreateProfile(context.Context, generated.CreateProfileRequestObject) (generated.CreateProfileResponseObject, error) {
	return nil, errPending
}

func (h *Handlers) CreatePhone(context.Context, generated.CreatePhoneRequestObject) (generated.CreatePhoneResponseObject, error) {
	return nil, errPending
}

func (h *Handlers) ListPhones(context.Context, generated.ListPhonesRequestObject) (generated.ListPhonesResponseObject, error) {
	return nil, errPending
}

func (h *Handlers) DeletePhone(context.Context, generated.DeletePhoneRequestObject) (generated.DeletePhoneResponseObject, error) {
	return nil, errPending
}

func (h *Handlers) CreateAttachment(context.Context, generated.CreateAttachmentRequestObject) (generated.CreateAttachmentResponseObject, error) {
	return nil, errPending
}
