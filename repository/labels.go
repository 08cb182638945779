package repository

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"barong/internal/identity"
)

const (
	selectLabels = `
		SELECT l.key, l.value, l.scope, l.created_at, l.updated_at
		FROM users AS u LEFT JOIN labels AS l ON l.user_id = u.id WHERE u.uid = $1 ORDER BY l.id`

	insertLabel = `
		INSERT INTO labels (user_id, key, value, scope, created_at, updated_at)
		SELECT id, $2, $3, $4, $5, $5 FROM users WHERE uid = $1`

	// The next two return the label as it stands afterwards. A value that is there
	// already is not written, and then the label is found as it was.
	putLabel = `WITH written AS (` + insertLabel + `
		ON CONFLICT (user_id, key, scope) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at
			WHERE labels.value <> excluded.value
		RETURNING key, value, scope, created_at, updated_at)` + orAsItWas

	replaceLabel = `WITH written AS (
		UPDATE labels SET value = $3, updated_at = $5
		WHERE user_id = (SELECT id FROM users WHERE uid = $1) AND key = $2 AND scope = $4 AND value <> $3
		RETURNING key, value, scope, created_at, updated_at)` + orAsItWas

	orAsItWas = `
		SELECT key, value, scope, created_at, updated_at FROM written
		UNION ALL
		SELECT key, value, scope, created_at, updated_at FROM labels
		WHERE user_id = (SELECT id FROM users WHERE uid = $1) AND key = $2 AND scope = $4 AND NOT EXISTS (SELECT 1 FROM written)`

	deleteLabel = `
		DELETE FROM labels WHERE user_id = (SELECT id FROM users WHERE uid = $1) AND key = $2 AND scope = $3
		RETURNING key, value, scope, created_at, updated_at`
)

// Labels returns all labels of a user, oldest first.
func (r *Repository) Labels(ctx context.Context, uid string) ([]identity.Label, error) {
	rows, err := r.db.Query(ctx, selectLabels, uid)
	if err != nil {
		return nil, translate(err)
	}
	labels := []identity.Label{}
	var key, value, scope *string
	var createdAt, updatedAt *time.Time
	users, err := pgx.ForEachRow(rows, []any{&key, &value, &scope, &createdAt, &updatedAt}, func() error {
		if key != nil { // else this is a user without labels
			labels = append(labels, identity.Label{Key: *key, Value: *value, Scope: *scope, CreatedAt: *createdAt, UpdatedAt: *updatedAt})
		}
		return nil
	})
	if err == nil && users.RowsAffected() == 0 {
		err = identity.ErrRecordNotFound
	}
	return labels, translate(err)
}

// CreateLabel gives a user a label, and the standing that follows from it. A
// second one with its key and scope is identity.LabelKeyTaken.
func (r *Repository) CreateLabel(ctx context.Context, uid string, l identity.Label, standing *Standing) error {
	return r.changeLabels(ctx, uid, standing, l.UpdatedAt, func(batch *pgx.Batch) {
		batch.Queue(insertLabel, uid, l.Key, l.Value, l.Scope, l.UpdatedAt)
	})
}

// PutLabel gives the label with l's key and scope l's value, and the user the
// standing that follows from it, and returns the label as it stands then. It
// makes a label that is not there if create says so, and else is
// identity.ErrLabelNotFound. The value that it has already changes nothing, its
// time of update included.
func (r *Repository) PutLabel(ctx context.Context, uid string, l identity.Label, create bool, standing *Standing) (identity.Label, error) {
	put := replaceLabel
	if create {
		put = putLabel
	}
	var stands []identity.Label
	err := r.changeLabels(ctx, uid, standing, l.UpdatedAt, func(batch *pgx.Batch) {
		batch.Queue(put, uid, l.Key, l.Value, l.Scope, l.UpdatedAt).Query(collectLabels(&stands))
	})
	if err == nil && len(stands) == 0 {
		err = identity.ErrLabelNotFound
	}
	if err != nil {
		return identity.Label{}, err
	}
	return stands[0], nil
}

// DeleteLabel takes the label with this key and scope from a user, brings the
// standing in line, and returns the label as it was. None is
// identity.ErrRecordNotFound.
func (r *Repository) DeleteLabel(ctx context.Context, uid, key, scope string, standing *Standing, now time.Time) (identity.Label, error) {
	var deleted []identity.Label
	err := r.changeLabels(ctx, uid, standing, now, func(batch *pgx.Batch) {
		batch.Queue(deleteLabel, uid, key, scope).Query(collectLabels(&deleted))
	})
	if err == nil && len(deleted) == 0 {
		err = identity.ErrRecordNotFound
	}
	if err != nil {
		return identity.Label{}, err
	}
	return deleted[0], nil
}

// collectLabels puts the labels that a statement returns in the place of what
// into has.
func collectLabels(into *[]identity.Label) func(pgx.Rows) error {
	return func(rows pgx.Rows) (err error) {
		*into, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (l identity.Label, err error) {
			err = row.Scan(&l.Key, &l.Value, &l.Scope, &l.CreatedAt, &l.UpdatedAt)
			return l, err
		})
		return err
	}
}
