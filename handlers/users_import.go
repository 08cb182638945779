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

// ImportUser stores a user with the password hash of another system, and with
// the phone and the profile that came along: all of it or nothing.
func (h *Handlers) ImportUser(ctx context.Context, request generated.ImportUserRequestObject) (generated.ImportUserResponseObject, error) {
	user, err := h.importedUser(ctx, *request.JSONBody)
	if err != nil {
		return nil, h.preferTaken(ctx, request.JSONBody.Email, err)
	}
	if err := h.Repo.InsertUser(ctx, &user, h.newUID); err != nil {
		return nil, alreadyExists(err)
	}
	return generated.ImportUser201JSONResponse{UserWithProfileJSONResponse: viewUserWithProfile(user)}, nil
}

// importedUser is the user that the parameters describe, or every rule that they break.
func (h *Handlers) importedUser(ctx context.Context, parameters generated.ImportUserParameters) (identity.User, error) {
	user, violations := h.Policy.ImportedUser(identity.Import{
		Email: parameters.Email, PasswordDigest: parameters.PasswordDigest, Phone: parameters.Phone, ReferralUID: parameters.ReferralUID,
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

// preferTaken reports a taken e-mail before anything else that is wrong with an
// import: who imports again what is there already learns just that.
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

// alreadyExists gives a taken e-mail the sentence that this operation has for it.
func alreadyExists(err error) error {
	var broken *problem.Error
	if errors.As(err, &broken) && slices.Contains(broken.Violations, identity.EmailTaken) {
		return identity.ErrUserAlreadyExists
	}
	return err
}

// text is a date as it was given, YYYY-MM-DD.
func text(date *openapitypes.Date) *string {
	if date == nil {
		return nil
	}
	written := date.String()
	return &written
}
