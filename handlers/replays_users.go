package handlers

import (
	"context"

	"barong/generated"
	"barong/internal/identity"
	"barong/repository"
)

// The responses that show a user show the user as stored now: what the first request has left may be
// changed since, and is of a person.

func (h *Handlers) userAnew(ctx context.Context, uid string) (generated.UserWithProfileJSONResponse, error) {
	user, err := h.Repo.UserWithProfiles(ctx, uid)
	return viewUserWithProfile(user), err
}

func replayUpdateUser(ctx context.Context, h *Handlers, r repetition) (any, error) {
	request, err := requestOf[generated.UpdateUserRequestObject](r)
	if err != nil {
		return nil, err
	}
	user, err := h.userAnew(ctx, request.JSONBody.UID)
	return generated.UpdateUser201JSONResponse{UserWithProfileJSONResponse: user}, err
}

func replayCreateProfile(ctx context.Context, h *Handlers, r repetition) (any, error) {
	request, err := requestOf[generated.CreateProfileRequestObject](r)
	if err != nil {
		return nil, err
	}
	user, err := h.userAnew(ctx, request.JSONBody.UID)
	return generated.CreateProfile201JSONResponse{UserWithProfileJSONResponse: user}, err
}

func replayCreateDocument(ctx context.Context, h *Handlers, r repetition) (any, error) {
	request, err := requestOf[generated.CreateDocumentRequestObject](r)
	if err != nil {
		return nil, err
	}
	user, err := h.userAnew(ctx, request.JSONBody.UID)
	return generated.CreateDocument201JSONResponse{UserWithProfileJSONResponse: user}, err
}

// replayCreateAttachment makes the URL of the attachment anew: that of the first response expires.
func replayCreateAttachment(ctx context.Context, h *Handlers, r repetition) (any, error) {
	stored, err := answerOf[struct {
		ID int64 `json:"id"`
	}](r)
	if err != nil {
		return nil, err
	}
	attachment, err := h.Repo.FindAttachment(ctx, stored.ID)
	if err != nil {
		return nil, err
	}
	return h.viewAttachment(ctx, attachment)
}

// replayCreatePhone takes the number from the request: the answer has none.
func replayCreatePhone(_ context.Context, h *Handlers, r repetition) (any, error) {
	request, err := requestOf[generated.CreatePhoneRequestObject](r)
	if err != nil {
		return nil, err
	}
	stored, err := answerOf[repository.PhoneAnswer](r)
	if err != nil {
		return nil, err
	}
	phone, violations := h.Policy.ParsePhone(request.JSONBody.Number)
	if len(violations) > 0 { // by settings that have changed
		return nil, errAlreadyExecuted
	}
	return generated.CreatePhone201JSONResponse(viewPhone(identity.Phone{Number: phone.Number, Country: stored.Country, ValidatedAt: stored.ValidatedAt})), nil
}

// replayDeletePhone takes the number from the request: the answer has none.
func replayDeletePhone(_ context.Context, h *Handlers, r repetition) (any, error) {
	request, err := requestOf[generated.DeletePhoneRequestObject](r)
	if err != nil {
		return nil, err
	}
	stored, err := answerOf[repository.PhoneAnswer](r)
	if err != nil {
		return nil, err
	}
	spellings := h.Policy.PhoneSpellings(request.JSONBody.Number)
	if stored.Spelling >= len(spellings) { // by settings that have changed
		return nil, errAlreadyExecuted
	}
	return generated.DeletePhone201JSONResponse(viewPhone(identity.Phone{Number: spellings[stored.Spelling], Country: stored.Country, ValidatedAt: stored.ValidatedAt})), nil
}
