package handlers

import (
	"context"
	"errors"

	"barong/generated"
	"barong/internal/identity"
	"barong/internal/problem"
	"barong/repository"
)

// CreateUser stores a user with a password.
func (h *Handlers) CreateUser(ctx context.Context, request generated.CreateUserRequestObject) (generated.CreateUserResponseObject, error) {
	parameters := request.JSONBody
	email, violations := identity.ParseEmail(parameters.Email)
	if len(violations) == 0 {
		// Checked before hashing, which costs a thousand times as much.
		taken, err := h.writes(ctx).EmailTaken(ctx, email)
		if err != nil {
			return nil, err
		}
		if taken {
			violations = append(violations, identity.EmailTaken)
		}
	}
	violations = append(violations, identity.CheckPassword(parameters.Password)...)
	referral, err := h.checkReferrer(ctx, parameters.ReferralUID)
	if err != nil {
		return nil, err
	}
	violations = append(violations, referral...)
	if err := problem.Invalid(violations...); err != nil {
		return nil, err
	}
	digest, err := h.Passwords.Hash(ctx, parameters.Password)
	if err != nil {
		return nil, err
	}
	user := h.newUser(email, digest)
	user.ReferralUID = parameters.ReferralUID
	if err := h.writes(ctx).InsertUser(ctx, &user, h.sealingUID(ctx, user)); err != nil {
		return nil, err
	}
	return generated.CreateUser201JSONResponse{UserWithProfileJSONResponse: viewUserWithProfile(user)}, nil
}

// checkReferrer returns a violation where no user has the referral_uid.
func (h *Handlers) checkReferrer(ctx context.Context, uid *string) ([]problem.Violation, error) {
	if uid == nil {
		return nil, nil
	}
	err := h.Repo.UserExists(ctx, *uid)
	if problem.KindOf(err) == problem.NotFound {
		return []problem.Violation{identity.ReferralUnknown}, nil
	}
	return nil, err
}

// newUser returns an account in its initial state.
func (h *Handlers) newUser(email, digest string) identity.User {
	now := h.now()
	return identity.User{
		Email: email, PasswordDigest: digest, Role: identity.RoleMember, State: identity.StatePending, CreatedAt: now, UpdatedAt: now,
	}
}

// GetUser returns one user with all relations.
func (h *Handlers) GetUser(ctx context.Context, request generated.GetUserRequestObject) (generated.GetUserResponseObject, error) {
	var user identity.User
	var err error
	switch parameters := request.JSONBody; {
	case parameters.UID != nil:
		user, err = h.Repo.FindUser(ctx, repository.ByUID(*parameters.UID))
	case parameters.Email != nil:
		user, err = h.Repo.FindUser(ctx, repository.ByEmail(*parameters.Email))
	default:
		user, err = h.findByPhone(ctx, *parameters.PhoneNum)
	}
	if err != nil {
		return nil, err
	}
	view, err := h.viewUserWithKYC(ctx, user)
	if err != nil {
		return nil, err
	}
	return generated.GetUser201JSONResponse(view), nil
}

// findByPhone looks up the number as written. If no user has it, it looks up the number by the
// numbering plan, where that differs: +44 (0)20 is +44 20.
func (h *Handlers) findByPhone(ctx context.Context, written string) (identity.User, error) {
	digits, ok := identity.PhoneDigits(written)
	if ok {
		user, err := h.Repo.FindUser(ctx, repository.ByPhone(digits))
		if !errors.Is(err, identity.ErrRecordNotFound) {
			return user, err
		}
	}
	phone, violations := h.Policy.ParsePhone(written)
	if len(violations) > 0 || phone.Number == digits {
		return identity.User{}, identity.ErrRecordNotFound // no user can have an invalid number
	}
	return h.Repo.FindUser(ctx, repository.ByPhone(phone.Number))
}

// ListUsers returns a page of all users, or of those that match a filter.
func (h *Handlers) ListUsers(ctx context.Context, request generated.ListUsersRequestObject) (generated.ListUsersResponseObject, error) {
	parameters := request.JSONBody
	in := repository.Range{
		Updated: *parameters.Range == generated.ListUsersParametersRangeUpdated, From: parameters.From, To: parameters.To,
	}
	filter := repository.UserFilter{
		UID: textOf(parameters.UID), Email: textOf(parameters.Email), Role: textOf(parameters.Role),
		FirstName: textOf(parameters.FirstName), LastName: textOf(parameters.LastName), Country: textOf(parameters.Country),
		Level: parameters.Level, State: textOf(parameters.State),
	}
	page := repository.Page{Number: *parameters.Page, Size: *parameters.Limit}
	users, total, err := h.Repo.FilterUsers(ctx, filter, in, page)
	if err != nil {
		return nil, err
	}
	return h.viewPage(ctx, "/users/list", users, *parameters.Extended, page, total)
}

// textOf returns an optional parameter, or "" where it is absent. A parameter that is present is
// not blank.
func textOf(parameter *string) string {
	if parameter == nil {
		return ""
	}
	return *parameter
}
