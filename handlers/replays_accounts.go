package handlers

import (
	"context"

	"barong/generated"
)

// The responses that show a service account or an API key show it as stored now.

func replayCreateServiceAccount(ctx context.Context, h *Handlers, r repetition) (any, error) {
	stored, err := answerOf[struct {
		UID string `json:"uid"`
	}](r)
	if err != nil {
		return nil, err
	}
	account, err := h.Repo.ServiceAccount(ctx, stored.UID)
	return generated.CreateServiceAccount201JSONResponse(viewServiceAccount(account)), err
}

func replayUpdateServiceAccount(ctx context.Context, h *Handlers, r repetition) (any, error) {
	request, err := requestOf[generated.UpdateServiceAccountRequestObject](r)
	if err != nil {
		return nil, err
	}
	account, err := h.Repo.ServiceAccount(ctx, request.JSONBody.UID)
	return generated.UpdateServiceAccount201JSONResponse(viewServiceAccount(account)), err
}

func replayDeleteServiceAccount(ctx context.Context, h *Handlers, r repetition) (any, error) {
	request, err := requestOf[generated.DeleteServiceAccountRequestObject](r)
	if err != nil {
		return nil, err
	}
	account, err := h.Repo.ServiceAccount(ctx, request.JSONBody.UID)
	return generated.DeleteServiceAccount201JSONResponse(viewServiceAccount(account)), err
}

// replayCreateAPIKey decrypts the stored secret, so that no idempotency key has a copy of it.
func replayCreateAPIKey(ctx context.Context, h *Handlers, r repetition) (any, error) {
	stored, err := answerOf[struct {
		KID string `json:"kid"`
	}](r)
	if err != nil {
		return nil, err
	}
	if h.APIKeys == nil { // by settings that have changed
		return nil, errAlreadyExecuted
	}
	key, err := h.Repo.APIKey(ctx, stored.KID)
	if err != nil {
		return nil, err
	}
	secret, err := h.APIKeys.Unseal(ctx, key.KID, key.Sealed)
	if err != nil {
		return nil, errAlreadyExecuted.WithCause(err)
	}
	view := viewAPIKey(key)
	view.Secret = &secret
	return generated.CreateAPIKey201JSONResponse(view), nil
}

func replayUpdateAPIKey(ctx context.Context, h *Handlers, r repetition) (any, error) {
	request, err := requestOf[generated.UpdateAPIKeyRequestObject](r)
	if err != nil {
		return nil, err
	}
	key, err := h.Repo.APIKey(ctx, request.JSONBody.Kid)
	return generated.UpdateAPIKey201JSONResponse(viewAPIKey(key)), err
}
