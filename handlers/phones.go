package handlers

import (
	"context"

	"barong/generated"
	"barong/internal/identity"
)

// CreatePhone adds a number to a user, which counts as validated now. It writes no label.
func (h *Handlers) CreatePhone(ctx context.Context, request generated.CreatePhoneRequestObject) (generated.CreatePhoneResponseObject, error) {
	parameters := request.JSONBody
	phone, violations := h.Policy.ParsePhone(parameters.Number)
	if len(violations) > 0 {
		if err := h.Repo.UserExists(ctx, parameters.UID); err != nil {
			return nil, userUnknown(err)
		}
		return nil, identity.ErrPhoneInvalid
	}
	now := h.now()
	phone.ValidatedAt, phone.CreatedAt, phone.UpdatedAt = &now, now, now
	if err := h.writes(ctx).InsertPhone(ctx, parameters.UID, phone); err != nil {
		return nil, userUnknown(err)
	}
	return generated.CreatePhone201JSONResponse(viewPhone(phone)), nil
}

// ListPhones returns all numbers of a user.
func (h *Handlers) ListPhones(ctx context.Context, request generated.ListPhonesRequestObject) (generated.ListPhonesResponseObject, error) {
	phones, err := h.Repo.Phones(ctx, request.JSONBody.UID)
	if err != nil {
		return nil, userUnknown(err)
	}
	return generated.ListPhones201JSONResponse(viewAll(phones, viewPhone)), nil
}

// DeletePhone deletes a number of a user, in whatever spelling it is stored. The label of the phone
// stays.
func (h *Handlers) DeletePhone(ctx context.Context, request generated.DeletePhoneRequestObject) (generated.DeletePhoneResponseObject, error) {
	parameters := request.JSONBody
	phone, found, err := h.writes(ctx).DeletePhone(ctx, parameters.UID, h.Policy.PhoneSpellings(parameters.Number))
	if err != nil {
		return nil, userUnknown(err)
	}
	if !found {
		return nil, identity.ErrPhoneUnknown
	}
	return generated.DeletePhone201JSONResponse(viewPhone(phone)), nil
}
