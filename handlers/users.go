package handlers

import (
	"context"

	"barong/generated"
	"barong/identity"
	"barong/repository"
)

// CreateUser stores a user with a password.
func (h *Handlers) CreateUser(ctx context.Context, request generated.CreateUserRequestObject) (generated.CreateUserResponseObject, error) {
	parameters := request.JSONBody
	email, violations := identity.ParseEmail(parameters.Email)
	if len(violations) == 0 {
		// Asked before the hash is made, which costs a thousand times as much.
		taken, err := h.Repository.EmailTaken(ctx, email)
		if err != nil {
			return nil, err
		}
		if taken {
			violations = append(violations, identity.EmailTaken)
		}
	}
	violations = append(violations, identity.CheckPassword(parameters.Password)...)
	if err := identity.Invalid(violations...); err != nil {
		return nil, err
	}
	digest, err := h.Passwords.Hash(ctx, parameters.Password)
	if err != nil {
		return nil, err
	}
	user := h.newUser(email, digest)
	if err := h.Repository.InsertUser(ctx, &user, h.newUID); err != nil {
		return nil, err
	}
	return generated.CreateUser201JSONResponse{UserWithProfileJSONResponse: viewUserWithProfile(user)}, nil
}

// newUser is how every account starts.
func (h *Handlers) newUser(email, digest string) identity.User {
	now := h.now()
	return identity.User{
		Email: email, PasswordDigest: digest, Role: identity.RoleMember, State: identity.StatePending, CreatedAt: now, UpdatedAt: now,
	}
}

// GetUser answers one user with everything.
func (h *Handlers) GetUser(ctx context.Context, request generated.GetUserRequestObject) (generated.GetUserResponseObject, error) {
	var key repository.UserKey
	switch parameters := request.JSONBody; {
	case parameters.UID != nil:
		key = repository.ByUID(*parameters.UID)
	case parameters.Email != nil:
		key = repository.ByEmail(*parameters.Email)
	default:
		phone, violations := identity.ParsePhone(*parameters.PhoneNum)
		if len(violations) > 0 {
			return nil, identity.ErrRecordNotFound // nobody can have what is no number
		}
		key = repository.ByPhone(phone.Number)
	}
	user, err := h.Repository.FindUser(ctx, key)
	if err != nil {
		return nil, err
	}
	view, err := h.viewUserWithKYC(ctx, user)
	if err != nil {
		return nil, err
	}
	return generated.GetUser201JSONResponse(view), nil
}

// ListUsers answers a page of all users.
func (h *Handlers) ListUsers(ctx context.Context, request generated.ListUsersRequestObject) (generated.ListUsersResponseObject, error) {
	parameters := request.JSONBody
	in := repository.Range{
		Updated: *parameters.Range == generated.ListUsersParametersRangeUpdated, From: parameters.From, To: parameters.To,
	}
	page := repository.Page{Number: *parameters.Page, Size: *parameters.Limit}
	users, total, err := h.Repository.ListUsers(ctx, in, page)
	if err != nil {
		return nil, err
	}
	return h.viewPage(ctx, "/users/list", users, *parameters.Extended, page, total)
}
