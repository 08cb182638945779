package handlers

import (
	"context"
	"errors"
	"slices"

	openapitypes "github.com/oapi-codegen/runtime/types"

	"barong/generated"
	"barong/internal/identity"
	"barong/internal/problem"
)

// ImportUser stores a user with the password hash of another system, together with the phone and
// the profile of the request, in one transaction.
func (h *Handlers) ImportUser(ctx context.Context, request generated.ImportUserRequestObject) (generated.ImportUserResponseObject, error) {
	user, err := h.importedUser(ctx, *request.JSONBody)
	if err != nil {
		return nil, h.preferTaken(ctx, request.JSONBody.Email, err)
	}
	if err := h.writes(ctx).InsertUser(ctx, &user, h.sealingUID(ctx, user)); err != nil {
		return nil, alreadyExists(err)
	}
	return generated.ImportUser201JSONResponse{UserWithProfileJSONResponse: viewUserWithProfile(user)}, nil
}

// importedUser returns the user that the parameters describe, or all rules that they break.
func (h *Handlers) importedUser(ctx context.Context, parameters generated.ImportUserParameters) (identity.User, error) {
	user, violations := h.Policy.ImportedUser(identity.Import{
		ProfileReview: parameters.State,
		Email:         parameters.Email, PasswordDigest: parameters.PasswordDigest, Phone: parameters.Phone, ReferralUID: parameters.ReferralUID,
		Profile: identity.ProfileFields{
			FirstName: parameters.FirstName, LastName: parameters.LastName, DOB: text(parameters.DOB), Address: parameters.Address,
			Postcode: parameters.Postcode, City: parameters.City, Country: parameters.Country,
		},
	}, h.now())
	referral, err := h.checkReferrer(ctx, parameters.ReferralUID)
	if err != nil {
		return user, err
	}
	return user, problem.Invalid(append(violations, referral...)...)
}

// preferTaken reports a taken e-mail instead of other errors of an import, so that a repeated
// import always gets the same error.
func (h *Handlers) preferTaken(ctx context.Context, email string, otherwise error) error {
	taken, err := h.Repo.EmailTaken(ctx, email)
	if err != nil {
		return err
	}
	if taken {
		return identity.ErrUserAlreadyExists
	}
	return otherwise
}

// alreadyExists replaces the violation of a taken e-mail by the error of this operation.
func alreadyExists(err error) error {
	var invalid *problem.Error
	if errors.As(err, &invalid) && slices.Contains(invalid.Violations, identity.EmailTaken) {
		return identity.ErrUserAlreadyExists
	}
	return err
}

// text formats an optional date as YYYY-MM-DD.
func text(date *openapitypes.Date) *string {
	if date == nil {
		return nil
	}
	written := date.String()
	return &written
}
