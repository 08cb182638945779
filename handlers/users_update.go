package handlers

import (
	"context"

	"barong/generated"
	"barong/internal/identity"
	"barong/internal/problem"
)

// UpdateUser sets the role or the data of a user, or both.
func (h *Handlers) UpdateUser(ctx context.Context, request generated.UpdateUserRequestObject) (generated.UpdateUserResponseObject, error) {
	parameters := request.JSONBody
	changes := identity.UserChanges{Role: parameters.Role, Data: parameters.Data}
	if violations := h.Policy.CheckChanges(changes); len(violations) > 0 {
		if err := h.Repo.UserExists(ctx, parameters.UID); err != nil {
			return nil, userUnknown(err)
		}
		return nil, problem.Invalid(violations...)
	}
	user, err := h.writes(ctx).UpdateUser(ctx, parameters.UID, changes, h.now())
	if err != nil {
		return nil, userUnknown(err)
	}
	return generated.UpdateUser201JSONResponse{UserWithProfileJSONResponse: viewUserWithProfile(user)}, nil
}
