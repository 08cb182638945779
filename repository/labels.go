package repository

import (
	"context"
	"time"

	sq "github.com/Masterminds/squirrel"

	"barong/identity"
)

type labelRow struct {
	UserID    int64
	Key       string
	Value     string
	Scope     string
	CreatedAt time.Time
	UpdatedAt time.Time
}

func selectLabels(where sq.Sqlizer) sq.SelectBuilder {
	return psql.Select("user_id", "key", "value", "scope", "created_at", "updated_at").From("labels").Where(where).OrderBy("id")
}

func (row labelRow) label() identity.Label {
	return identity.Label{Key: row.Key, Value: row.Value, Scope: row.Scope, CreatedAt: row.CreatedAt, UpdatedAt: row.UpdatedAt}
}

// Labels returns all labels of a user, oldest first.
func (r *Repository) Labels(ctx context.Context, userID int64) ([]identity.Label, error) {
	rows, err := all[labelRow](ctx, r, selectLabels(sq.Eq{"user_id": userID}))
	labels := make([]identity.Label, len(rows))
	for i, row := range rows {
		labels[i] = row.label()
	}
	return labels, err
}

// InsertLabel stores a label. A second one with its key and scope is identity.LabelKeyTaken.
func (r *Repository) InsertLabel(ctx context.Context, userID int64, l identity.Label) error {
	return r.exec(ctx, psql.Insert("labels").
		Columns("user_id", "key", "value", "scope", "created_at", "updated_at").
		Values(userID, l.Key, l.Value, l.Scope, l.CreatedAt, l.UpdatedAt))
}

// UpdateLabel stores value and time of update of the label with l's key and scope.
func (r *Repository) UpdateLabel(ctx context.Context, userID int64, l identity.Label) error {
	return r.exec(ctx, psql.Update("labels").Set("value", l.Value).Set("updated_at", l.UpdatedAt).
		Where(sq.Eq{"user_id": userID, "key": l.Key, "scope": l.Scope}))
}

// DeleteLabel removes the label with this key and scope.
func (r *Repository) DeleteLabel(ctx context.Context, userID int64, key, scope string) error {
	return r.exec(ctx, psql.Delete("labels").Where(sq.Eq{"user_id": userID, "key": key, "scope": scope}))
}
