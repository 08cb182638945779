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

func (h *Handlers) GetServiceAccount(context.Context, generated.GetServiceAccountRequestObject) (generated.GetServiceAccountResponseObject, error) {
	return nil, errPending
}

func (h *Handlers) ListServiceAccounts(context.Context, generated.ListServiceAccountsRequestObject) (generated.ListServiceAccountsResponseObject, error) {
	return nil, errPending
}

func (h *Handlers) CreateServiceAccount(context.Context, generated.CreateServiceAccountRequestObject) (generated.CreateServiceAccountResponseObject, error) {
	return nil, errPending
}

func (h *Handlers) UpdateServiceAccount(context.Context, generated.UpdateServiceAccountRequestObject) (generated.UpdateServiceAccountResponseObject, error) {
	return nil, errPending
}

func (h *Handlers) DeleteServiceAccount(context.Context, generated.DeleteServiceAccountRequestObject) (generated.DeleteServiceAccountResponseObject, error) {
	return nil, errPending
}

func (h *Handlers) CreateAPIKey(context.Context, generated.CreateAPIKeyRequestObject) (generated.CreateAPIKeyResponseObject, error) {
	return nil, errPending
}

func (h *Handlers) UpdateAPIKey(context.Context, generated.UpdateAPIKeyRequestObject) (generated.UpdateAPIKeyResponseObject, error) {
	return nil, errPending
}
