package handlers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"barong/generated"
	"barong/internal/identity"
	"barong/internal/journal"
	"barong/repository"
)

// repetition is a request that was executed before, with what the first one left.
type repetition struct {
	request any // as the handler gets it
	spent   repository.SpentKey
	key     *journal.Key // opens a sealed answer
}

// replay returns the response to a repetition.
type replay func(ctx context.Context, h *Handlers, r repetition) (any, error)

// replays has one entry for each operation whose repetitions get a response, by its name in the generated
// code. SignOTP has none: whoever captured a request must not get a signature for it.
var replays = map[string]replay{
	"CreateLabel": replayLabel(func(l generated.Label) any { return generated.CreateLabel201JSONResponse(l) }, givenDescription),
	"UpdateLabel": replayLabel(func(l generated.Label) any { return generated.UpdateLabel200JSONResponse(l) }, givenOrStoredDescription),
	"DeleteLabel": replayLabel(func(l generated.Label) any { return generated.DeleteLabel201JSONResponse(l) }, noDescription),

	"CreateUser": replayUser(func(u generated.UserWithProfileJSONResponse) any {
		return generated.CreateUser201JSONResponse{UserWithProfileJSONResponse: u}
	}),
	"ImportUser": replayUser(func(u generated.UserWithProfileJSONResponse) any {
		return generated.ImportUser201JSONResponse{UserWithProfileJSONResponse: u}
	}),

	"UpdateUser":     replayUpdateUser,
	"CreateProfile":  replayCreateProfile,
	"CreateDocument": replayCreateDocument,

	"CreateAttachment": replayCreateAttachment,

	"CreatePhone": replayCreatePhone,
	"DeletePhone": replayDeletePhone,

	"CreateServiceAccount": replayCreateServiceAccount,
	"UpdateServiceAccount": replayUpdateServiceAccount,
	"DeleteServiceAccount": replayDeleteServiceAccount,

	"CreateAPIKey": replayCreateAPIKey,
	"UpdateAPIKey": replayUpdateAPIKey,
}

// Writing returns the operationId of each operation that writes.
func Writing() []string {
	ids := []string{"signOTP"}
	for name := range replays {
		ids = append(ids, strings.ToLower(name[:1])+name[1:])
	}
	return ids
}

// requestOf is the request of a repetition. The router gives an operation no other type.
func requestOf[T any](r repetition) (T, error) {
	request, ok := r.request.(T)
	if !ok {
		return request, fmt.Errorf("the request of a repetition is a %T", r.request)
	}
	return request, nil
}

// answerOf is what the write of the first request has left.
func answerOf[T any](r repetition) (answer T, err error) {
	if r.spent.Answer == nil {
		return answer, errAlreadyExecuted
	}
	return answer, json.Unmarshal(r.spent.Answer, &answer)
}

// replayLabel makes the response from the label as the first request left it: it may be changed or deleted
// since. Its description is not kept with the key.
func replayLabel(respond func(generated.Label) any, describe func(context.Context, *Handlers, repetition) (*string, error)) replay {
	return func(ctx context.Context, h *Handlers, r repetition) (any, error) {
		stored, err := answerOf[repository.LabelAnswer](r)
		if err != nil {
			return nil, err
		}
		description, err := describe(ctx, h, r)
		return respond(viewLabel(identity.Label{
			Key: stored.Key, Value: stored.Value, Scope: stored.Scope, CreatedAt: stored.CreatedAt, UpdatedAt: stored.UpdatedAt, Description: description,
		})), err
	}
}

func givenDescription(_ context.Context, _ *Handlers, r repetition) (*string, error) {
	request, err := requestOf[generated.CreateLabelRequestObject](r)
	if err != nil {
		return nil, err
	}
	return request.JSONBody.Description, nil
}

// givenOrStoredDescription is that of the request. Without one, the request has left the label's, which is
// read anew.
func givenOrStoredDescription(ctx context.Context, h *Handlers, r repetition) (*string, error) {
	request, err := requestOf[generated.UpdateLabelRequestObject](r)
	if err != nil {
		return nil, err
	}
	if request.JSONBody.Description != nil {
		return request.JSONBody.Description, nil
	}
	labels, err := h.Repo.Labels(ctx, request.JSONBody.UserUID)
	if errors.Is(err, identity.ErrRecordNotFound) {
		return nil, nil
	}
	key := identity.NormalizeLabel(request.JSONBody.Key)
	for _, l := range labels {
		if l.Key == key && l.Scope == identity.ScopePrivate {
			return l.Description, err
		}
	}
	return nil, err
}

func noDescription(context.Context, *Handlers, repetition) (*string, error) { return nil, nil }

// replayUser makes the response from the new user as the first request left it.
func replayUser(respond func(generated.UserWithProfileJSONResponse) any) replay {
	return func(_ context.Context, _ *Handlers, r repetition) (any, error) {
		if r.spent.Answer == nil { // erased, or the key was only observed then
			return nil, errAlreadyExecuted
		}
		text, err := r.key.Open(r.spent.Answer)
		if err != nil {
			return nil, err
		}
		var user generated.UserWithProfileJSONResponse
		if err := json.Unmarshal(text, &user); err != nil {
			return nil, err
		}
		return respond(user), nil
	}
}

// sealingUID is newUID for a new user, and seals the answer for the enforced keys of the request: it has
// personal data, which only who repeats the request may read.
func (h *Handlers) sealingUID(ctx context.Context, user identity.User) func() string {
	record := journal.RecordOf(ctx)
	if record == nil || !record.Enforced() {
		return h.newUID
	}
	return func() string {
		user.UID = h.newUID()
		text, err := json.Marshal(viewUserWithProfile(user))
		for i := range record.Keys {
			if key := &record.Keys[i]; key.Enforced && err == nil {
				key.Answer, err = key.Seal(text)
			}
		}
		if err != nil {
			panic(err) // a view always has an encoding, and a key of a request a value
		}
		return user.UID
	}
}
