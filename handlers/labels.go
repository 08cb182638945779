package handlers

import (
	"cmp"
	"context"
	"slices"

	"barong/generated"
	"barong/internal/identity"
	"barong/internal/problem"
	"barong/repository"
)

// CreateLabel adds a private label to a user.
func (h *Handlers) CreateLabel(ctx context.Context, request generated.CreateLabelRequestObject) (generated.CreateLabelResponseObject, error) {
	parameters := request.JSONBody
	label, err := h.newLabel(parameters.Key, parameters.Value, parameters.Description)
	if err != nil {
		return nil, cmp.Or(h.Repo.UserExists(ctx, parameters.UserUID), err)
	}
	if err := h.writes(ctx).CreateLabel(ctx, parameters.UserUID, label, h.status); err != nil {
		return nil, err
	}
	return generated.CreateLabel201JSONResponse(viewLabel(label)), nil
}

// UpdateLabel changes the value of a private label, and its description if one is given. It creates a missing label unless replace is
// false.
func (h *Handlers) UpdateLabel(ctx context.Context, request generated.UpdateLabelRequestObject) (generated.UpdateLabelResponseObject, error) {
	parameters := request.JSONBody
	label, err := h.newLabel(parameters.Key, parameters.Value, parameters.Description)
	if err != nil {
		return nil, cmp.Or(h.labelExists(ctx, parameters.UserUID, parameters.Key, *parameters.Replace), err)
	}
	updated, err := h.writes(ctx).PutLabel(ctx, parameters.UserUID, label, *parameters.Replace, h.status)
	if err != nil {
		return nil, err
	}
	return generated.UpdateLabel200JSONResponse(viewLabel(updated)), nil
}

// DeleteLabel deletes a private label of a user.
func (h *Handlers) DeleteLabel(ctx context.Context, request generated.DeleteLabelRequestObject) (generated.DeleteLabelResponseObject, error) {
	parameters := request.JSONBody
	deleted, err := h.writes(ctx).DeleteLabel(ctx, parameters.UserUID, identity.NormalizeLabel(parameters.Key), identity.ScopePrivate, h.status, h.now())
	if err != nil {
		return nil, err
	}
	return generated.DeleteLabel201JSONResponse(viewLabel(deleted)), nil
}

// newLabel is a private label with the time of the request.
func (h *Handlers) newLabel(key, value string, description *string) (identity.Label, error) {
	label, violations := identity.NewLabel(key, value)
	label.Description = description
	violations = append(violations, identity.CheckDescription(description)...)
	label.CreatedAt = h.now()
	label.UpdatedAt = label.CreatedAt
	return label, problem.Invalid(violations...)
}

// labelExists reports errors that take precedence over the rules that a label breaks: an unknown
// user, or a missing label that may not be created.
func (h *Handlers) labelExists(ctx context.Context, uid, key string, create bool) error {
	labels, err := h.Repo.Labels(ctx, uid)
	if err != nil || create {
		return err
	}
	key = identity.NormalizeLabel(key)
	if !slices.ContainsFunc(labels, func(l identity.Label) bool { return l.Key == key && l.Scope == identity.ScopePrivate }) {
		return identity.ErrLabelNotFound
	}
	return nil
}

// ListLabels returns all labels of a user.
func (h *Handlers) ListLabels(ctx context.Context, request generated.ListLabelsRequestObject) (generated.ListLabelsResponseObject, error) {
	labels, err := h.Repo.Labels(ctx, request.JSONBody.UserUID)
	if err != nil {
		return nil, err
	}
	return generated.ListLabels201JSONResponse(viewAll(labels, viewLabel)), nil
}

// FilterUsersByLabel returns a page of the users that have a label.
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
	users, total, err := h.Repo.FilterUsersByLabel(ctx, filter, in, page)
	if err != nil {
		return nil, err
	}
	return h.viewPage(ctx, "/labels/filter/users", users, *parameters.Extended, page, total)
}
