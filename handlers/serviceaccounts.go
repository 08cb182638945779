package handlers

import (
	"context"
	"errors"

	"barong/generated"
	"barong/internal/identity"
	"barong/internal/problem"
	"barong/repository"
)

// CreateServiceAccount stores a service account, of an owner or of nobody.
func (h *Handlers) CreateServiceAccount(ctx context.Context, request generated.CreateServiceAccountRequestObject) (generated.CreateServiceAccountResponseObject, error) {
	parameters := request.JSONBody
	fields := identity.ServiceAccountFields{
		UID: textOf(parameters.ServiceAccountUID), Email: textOf(parameters.ServiceAccountEmail), Role: parameters.ServiceAccountRole,
		State: textOf(parameters.ServiceAccountState),
	}
	if parameters.ServiceAccountLevel != nil {
		level := int(*parameters.ServiceAccountLevel)
		fields.Level = &level
	}
	var owner *identity.User
	if parameters.OwnerUID != nil {
		found, err := h.Repo.Owner(ctx, *parameters.OwnerUID)
		if err != nil {
			return nil, err
		}
		owner = &found
	}
	for {
		account, violations := h.Policy.NewServiceAccount(fields, owner, h.now(), identity.NewServiceAccountUID)
		if len(violations) == 0 {
			stored, err := h.writes(ctx).InsertServiceAccount(ctx, &account)
			if err != nil {
				return nil, err
			}
			if stored {
				return generated.CreateServiceAccount201JSONResponse(viewServiceAccount(account)), nil
			}
		}
		// An account whose uid and e-mail are both made here gets others in the next attempt.
		email := account.Email
		if fields.UID == "" && fields.Email == "" {
			email = ""
		}
		conflicts, err := h.Repo.ServiceAccountConflicts(ctx, fields.UID, email)
		if err != nil {
			return nil, err
		}
		violations = append(violations, conflicts...)
		identity.SortServiceAccountViolations(violations)
		if err := problem.Invalid(violations...); err != nil {
			return nil, err
		}
	}
}

// GetServiceAccount returns the service account with a uid or an e-mail.
func (h *Handlers) GetServiceAccount(ctx context.Context, request generated.GetServiceAccountRequestObject) (generated.GetServiceAccountResponseObject, error) {
	var account identity.ServiceAccount
	var err error
	if parameters := request.JSONBody; parameters.UID != nil {
		account, err = h.Repo.ServiceAccount(ctx, *parameters.UID)
	} else {
		account, err = h.Repo.ServiceAccountByEmail(ctx, *parameters.Email)
	}
	if err != nil {
		return nil, err
	}
	return generated.GetServiceAccount201JSONResponse(viewServiceAccount(account)), nil
}

// ListServiceAccounts returns a page of all service accounts, or of those of one owner.
func (h *Handlers) ListServiceAccounts(ctx context.Context, request generated.ListServiceAccountsRequestObject) (generated.ListServiceAccountsResponseObject, error) {
	parameters := request.JSONBody
	page := repository.Page{Number: *parameters.Page, Size: *parameters.Limit}
	owner := repository.OwnerFilter{UID: textOf(parameters.OwnerUID), Email: textOf(parameters.OwnerEmail)}
	accounts, total, err := h.Repo.ListServiceAccounts(ctx, owner, page)
	if err != nil {
		return nil, err
	}
	return listPage{rows: viewAll(accounts, viewServiceAccount), page: page, total: total, path: BasePath + "/service_accounts/list"}, nil
}

// UpdateServiceAccount gives a service account another owner.
func (h *Handlers) UpdateServiceAccount(ctx context.Context, request generated.UpdateServiceAccountRequestObject) (generated.UpdateServiceAccountResponseObject, error) {
	parameters := request.JSONBody
	var account identity.ServiceAccount
	var err error
	if parameters.OwnerUID != nil {
		account, err = h.writes(ctx).SetServiceAccountOwner(ctx, parameters.UID, *parameters.OwnerUID, h.now())
	} else if account, err = h.Repo.ServiceAccount(ctx, parameters.UID); errors.Is(err, identity.ErrRecordNotFound) {
		err = identity.ErrServiceAccountUnknown
	}
	if err != nil {
		return nil, err
	}
	return generated.UpdateServiceAccount201JSONResponse(viewServiceAccount(account)), nil
}

// DeleteServiceAccount disables a service account for good.
func (h *Handlers) DeleteServiceAccount(ctx context.Context, request generated.DeleteServiceAccountRequestObject) (generated.DeleteServiceAccountResponseObject, error) {
	account, err := h.writes(ctx).DisableServiceAccount(ctx, request.JSONBody.UID, h.now())
	if err != nil {
		return nil, err
	}
	return generated.DeleteServiceAccount201JSONResponse(viewServiceAccount(account)), nil
}

func viewServiceAccount(a identity.ServiceAccount) generated.ServiceAccount {
	view := generated.ServiceAccount{
		Email: a.Email, UID: a.UID, Role: a.Role, Level: a.Level(), State: a.State(), CreatedAt: second(a.CreatedAt), UpdatedAt: second(a.UpdatedAt),
	}
	if a.Owner != nil {
		owner := generated.Owner(viewUser(*a.Owner))
		view.User = &owner
	}
	return view
}
