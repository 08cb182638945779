package handlers

import (
	"context"
	"errors"
	"strings"

	"barong/generated"
	"barong/internal/identity"
	"barong/internal/problem"
	"barong/repository"
)

// CreateAPIKey stores a new key. Its response is the only place where the secret is shown.
func (h *Handlers) CreateAPIKey(ctx context.Context, request generated.CreateAPIKeyRequestObject) (generated.CreateAPIKeyResponseObject, error) {
	parameters := request.JSONBody
	violations := identity.CheckKeyAlgorithm(parameters.Algorithm)
	scopes, broken := identity.ParseKeyScopes(textOf(parameters.Scopes))
	violations = append(violations, broken...)
	now := h.now()
	for {
		secret := identity.NewKeySecret()
		key := identity.APIKey{
			KID: identity.NewKID(), Algorithm: parameters.Algorithm, Scopes: scopes, State: identity.KeyActive, CreatedAt: now, UpdatedAt: now,
		}
		stored, failure := false, error(nil)
		if len(violations) == 0 && h.KeyHolders != (repository.KeyHolders{}) {
			stored, failure = h.storeKey(ctx, parameters.UID, key, secret)
		}
		if stored {
			view := viewAPIKey(key)
			view.Secret = &secret
			return generated.CreateAPIKey201JSONResponse(view), nil
		}
		if failure != nil && !errors.Is(failure, identity.ErrKeySecretNotSaved) {
			return nil, failure
		}
		// Errors of the holder come before a failure of the encryption. Without an error the kid
		// exists, or the holder was inactive for a moment: the next attempt decides.
		if err := h.checkKeyHolder(ctx, parameters.UID, violations); err != nil {
			return nil, err
		}
		if failure != nil {
			return nil, failure
		}
	}
}

// storeKey encrypts the secret before the transaction, and stores the key.
func (h *Handlers) storeKey(ctx context.Context, uid string, key identity.APIKey, secret string) (stored bool, err error) {
	if key.Sealed, err = h.APIKeys.Seal(ctx, key.KID, secret); err != nil {
		return false, identity.ErrKeySecretNotSaved.WithCause(err)
	}
	return h.writes(ctx).InsertAPIKey(ctx, uid, key, h.KeyHolders)
}

// checkKeyHolder returns why nobody with a uid gets a key, by the rules of the holder and those that
// the key breaks.
func (h *Handlers) checkKeyHolder(ctx context.Context, uid string, violations []problem.Violation) error {
	holder, err := h.Repo.FindKeyHolder(ctx, uid)
	switch {
	case errors.Is(err, identity.ErrRecordNotFound):
		return h.unknownKeyHolder(uid)
	case err != nil:
		return err
	case !h.mayHaveKeys(holder):
		return identity.ErrKeysDisabled
	case holder.State != identity.StateActive:
		violations = append([]problem.Violation{identity.KeyHolderInactive}, violations...)
	case holder.ActiveKeys >= identity.MaxActiveKeys:
		violations = append([]problem.Violation{identity.TooManyActiveKeys}, violations...)
	}
	return identity.InvalidKey(violations...)
}

func (h *Handlers) mayHaveKeys(holder repository.KeyHolder) bool {
	return holder.Service && h.KeyHolders.Accounts || !holder.Service && h.KeyHolders.Users
}

// unknownKeyHolder is the error for a uid that nobody has. The prefix says what it would be.
func (h *Handlers) unknownKeyHolder(uid string) error {
	isUser, isAccount := strings.HasPrefix(uid, h.UIDPrefix), strings.HasPrefix(uid, identity.ServiceAccountPrefix)
	switch {
	case isUser && h.KeyHolders.Users:
		return identity.ErrKeyUserUnknown
	case !isUser && isAccount && h.KeyHolders.Accounts:
		return identity.ErrKeyAccountUnknown
	case isUser || isAccount:
		return identity.ErrKeysDisabled
	default:
		return identity.ErrKeyHolderUnknown
	}
}

// UpdateAPIKey changes the scopes or the state of a key, or both.
func (h *Handlers) UpdateAPIKey(ctx context.Context, request generated.UpdateAPIKeyRequestObject) (generated.UpdateAPIKeyResponseObject, error) {
	parameters := request.JSONBody
	change := repository.KeyChange{State: parameters.State}
	var violations []problem.Violation
	if parameters.Scopes != nil {
		change.Scopes, violations = identity.ParseKeyScopes(*parameters.Scopes)
	}
	if parameters.State != nil {
		violations = append(violations, identity.CheckKeyState(*parameters.State)...)
	}
	if len(violations) > 0 {
		change = repository.KeyChange{} // reads, for the errors that come first
	}
	found, err := h.writes(ctx).UpdateAPIKey(ctx, parameters.UID, parameters.Kid, change, h.KeyHolders, h.now())
	switch {
	case err != nil:
		return nil, err
	case found.Holder == nil:
		return nil, h.unknownKeyHolder(parameters.UID)
	case !h.mayHaveKeys(*found.Holder):
		return nil, identity.ErrKeysDisabled
	case found.Key == nil:
		return nil, identity.ErrKeyUnknown
	}
	state := found.Key.State
	if parameters.State != nil {
		state = *parameters.State
	}
	if state == identity.KeyActive && found.Holder.State != identity.StateActive {
		violations = append(violations, identity.KeyStateOfInactiveHolder)
	}
	if err := identity.InvalidKey(violations...); err != nil {
		return nil, err
	}
	return generated.UpdateAPIKey201JSONResponse(viewAPIKey(*found.Key)), nil
}

// viewAPIKey shows a key without its secret.
func viewAPIKey(k identity.APIKey) generated.APIKey {
	return generated.APIKey{
		Kid: k.KID, Algorithm: generated.APIKeyAlgorithm(k.Algorithm), Scope: k.Scopes, State: generated.APIKeyState(k.State),
		CreatedAt: second(k.CreatedAt), UpdatedAt: second(k.UpdatedAt),
	}
}
