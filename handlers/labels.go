package handlers

import (
	"context"
	"slices"

	"barong/generated"
	"barong/identity"
	"barong/repository"
)

// CreateLabel gives a user a private label.
func (h *Handlers) CreateLabel(ctx context.Context, request generated.CreateLabelRequestObject) (generated.CreateLabelResponseObject, error) {
	var created identity.Label
	err := h.changeLabels(ctx, request.JSONBody.UserUID, func(tx *repository.Repository, user *identity.User) (err error) {
		created, err = h.addLabel(ctx, tx, user, request.JSONBody.Key, request.JSONBody.Value)
		return err
	})
	if err != nil {
		return nil, err
	}
	return generated.CreateLabel201JSONResponse(viewLabel(created)), nil
}

// UpdateLabel gives a private label another value. Where there is none it makes
// it, unless replace is false.
func (h *Handlers) UpdateLabel(ctx context.Context, request generated.UpdateLabelRequestObject) (generated.UpdateLabelResponseObject, error) {
	parameters := request.JSONBody
	var updated identity.Label
	err := h.changeLabels(ctx, parameters.UserUID, func(tx *repository.Repository, user *identity.User) (err error) {
		i := privateLabel(user.Labels, parameters.Key)
		switch {
		case i >= 0:
			updated, err = h.setLabel(ctx, tx, user, i, parameters.Value)
		case *parameters.Replace:
			updated, err = h.addLabel(ctx, tx, user, parameters.Key, parameters.Value)
		default:
			err = identity.ErrLabelNotFound
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return generated.UpdateLabel200JSONResponse(viewLabel(updated)), nil
}

// DeleteLabel takes a private label from a user.
func (h *Handlers) DeleteLabel(ctx context.Context, request generated.DeleteLabelRequestObject) (generated.DeleteLabelResponseObject, error) {
	var deleted identity.Label
	err := h.changeLabels(ctx, request.JSONBody.UserUID, func(tx *repository.Repository, user *identity.User) error {
		i := privateLabel(user.Labels, request.JSONBody.Key)
		if i < 0 {
			return identity.ErrRecordNotFound
		}
		deleted = user.Labels[i]
		user.Labels = slices.Delete(user.Labels, i, i+1)
		return tx.DeleteLabel(ctx, user.ID, deleted.Key, deleted.Scope)
	})
	if err != nil {
		return nil, err
	}
	return generated.DeleteLabel201JSONResponse(viewLabel(deleted)), nil
}

// ListLabels answers all labels of a user.
func (h *Handlers) ListLabels(ctx context.Context, request generated.ListLabelsRequestObject) (generated.ListLabelsResponseObject, error) {
	user, err := h.Repository.FindUser(ctx, repository.ByUID(request.JSONBody.UserUID))
	if err != nil {
		return nil, err
	}
	return generated.ListLabels201JSONResponse(viewAll(user.Labels, viewLabel)), nil
}

// FilterUsersByLabel answers a page of the users that have a label.
func (h *Handlers) FilterUsersByLabel(ctx context.Context, request generated.FilterUsersByLabelRequestObject) (generated.FilterUsersByLabelResponseObject, error) {
	parameters := request.JSONBody
	filter := repository.LabelFilter{Key: identity.NormalizeLabel(parameters.Key)}
	if parameters.Value != nil {
		filter.Value = identity.NormalizeLabel(*parameters.Value)
	}
	if parameters.Scope != nil {
		filter.Scope = *parameters.Scope
	}
	in := repository.Range{
		Updated: *parameters.Range == generated.FilterUsersByLabelParametersRangeUpdated, From: parameters.From, To: parameters.To,
	}
	page := repository.Page{Number: *parameters.Page, Size: *parameters.Limit}
	users, total, err := h.Repository.FilterUsersByLabel(ctx, filter, in, page)
	if err != nil {
		return nil, err
	}
	return h.viewPage(ctx, "/labels/filter/users", users, *parameters.Extended, page, total)
}

// changeLabels runs change on a user whom nobody else can change meanwhile, with
// all labels loaded, and brings level and state in line with the labels that it
// leaves: in one transaction, so that concurrent changes end as some serial
// order of them would. change keeps user.Labels equal to what it stores.
func (h *Handlers) changeLabels(ctx context.Context, uid string, change func(tx *repository.Repository, user *identity.User) error) error {
	return h.Repository.InTx(ctx, func(tx *repository.Repository) error {
		user, err := tx.LockUser(ctx, uid)
		if err != nil {
			return err
		}
		if user.Labels, err = tx.Labels(ctx, user.ID); err != nil {
			return err
		}
		if err := change(tx, &user); err != nil {
			return err
		}
		level, state := h.Policy.Level(user.Labels), h.Policy.State(user.Labels)
		if level == user.Level && state == user.State {
			return nil
		}
		user.Level, user.State, user.UpdatedAt = level, state, h.now()
		return tx.SetStanding(ctx, user.ID, level, state, user.UpdatedAt)
	})
}

func (h *Handlers) addLabel(ctx context.Context, tx *repository.Repository, user *identity.User, key, value string) (identity.Label, error) {
	label, violations := identity.NewLabel(key, value)
	if err := identity.Invalid(violations...); err != nil {
		return label, err
	}
	label.CreatedAt = h.now()
	label.UpdatedAt = label.CreatedAt
	user.Labels = append(user.Labels, label)
	return label, tx.InsertLabel(ctx, user.ID, label)
}

func (h *Handlers) setLabel(ctx context.Context, tx *repository.Repository, user *identity.User, i int, value string) (identity.Label, error) {
	label := &user.Labels[i]
	wanted, violations := identity.NewLabel(label.Key, value)
	if err := identity.Invalid(violations...); err != nil {
		return *label, err
	}
	if wanted.Value == label.Value {
		return *label, nil
	}
	label.Value, label.UpdatedAt = wanted.Value, h.now()
	return *label, tx.UpdateLabel(ctx, user.ID, *label)
}

// privateLabel is the index of the private label with this key, in any
// spelling, and -1 where there is none.
func privateLabel(labels []identity.Label, key string) int {
	key = identity.NormalizeLabel(key)
	return slices.IndexFunc(labels, func(l identity.Label) bool { return l.Key == key && l.Scope == identity.ScopePrivate })
}
