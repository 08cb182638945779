package handlers

import (
	"context"
	"errors"

	"barong/generated"
	"barong/internal/identity"
	"barong/internal/problem"
)

// CreateProfile adds a profile to those of a user. The private label of the profile, the level and
// the state follow in the same transaction.
func (h *Handlers) CreateProfile(ctx context.Context, request generated.CreateProfileRequestObject) (generated.CreateProfileResponseObject, error) {
	parameters := request.JSONBody
	fields := identity.ProfileFields{
		FirstName: parameters.FirstName, LastName: parameters.LastName, DOB: text(parameters.DOB), Address: parameters.Address,
		Postcode: parameters.Postcode, City: parameters.City, Country: parameters.Country,
	}
	profile, violations := identity.NewProfileVersion(fields, parameters.Metadata, parameters.State, h.now())
	if len(violations) > 0 {
		latest, err := h.Repo.LatestProfile(ctx, parameters.UID)
		if err != nil {
			return nil, userUnknown(err)
		}
		return nil, problem.Invalid(append(violations, latest.Check(profile.Review)...)...)
	}
	user, err := h.writes(ctx).InsertProfile(ctx, parameters.UID, profile, h.status)
	if err != nil {
		return nil, userUnknown(err)
	}
	return generated.CreateProfile201JSONResponse{UserWithProfileJSONResponse: viewUserWithProfile(user)}, nil
}

// userUnknown replaces the error of a missing user by that of the operations of Barong 2.4 and
// later.
func userUnknown(err error) error {
	if errors.Is(err, identity.ErrRecordNotFound) {
		return identity.ErrUserUnknown
	}
	return err
}
