package repository

import (
	"context"

	sq "github.com/Masterminds/squirrel"
	"github.com/jackc/pgx/v5"

	"barong/identity"
)

// relations are the rows that hang on users, as a batch brings them.
type relations struct {
	profiles  []profileRow
	phones    []phoneRow
	labels    []labelRow
	documents []documentRow // of a single user only
}

// queue adds a select to a batch; its rows are in into once the batch is closed.
func queue[row any](batch *pgx.Batch, statement sq.Sqlizer, into *[]row) error {
	sql, args, err := statement.ToSql()
	if err != nil {
		return err
	}
	batch.Queue(sql, args...).Query(func(rows pgx.Rows) error {
		*into, err = pgx.CollectRows(rows, pgx.RowToStructByName[row])
		return err
	})
	return nil
}

// queueRelations adds one select for each kind of relation. matches makes the
// condition on the column that holds the user's id.
func queueRelations(batch *pgx.Batch, matches func(column string) sq.Sqlizer) (*relations, error) {
	var found relations
	if err := queue(batch, selectProfiles(matches("user_id")), &found.profiles); err != nil {
		return nil, err
	}
	if err := queue(batch, selectPhones(matches("user_id")), &found.phones); err != nil {
		return nil, err
	}
	if err := queue(batch, selectLabels(matches("user_id")), &found.labels); err != nil {
		return nil, err
	}
	return &found, nil
}

// attach hands each row to its user.
func (found *relations) attach(byID map[int64]*identity.User) {
	for _, row := range found.profiles {
		if user := byID[row.UserID]; user != nil {
			user.Profile = row.profile()
		}
	}
	for _, row := range found.phones {
		if user := byID[row.UserID]; user != nil {
			user.Phones = append(user.Phones, row.phone())
		}
	}
	for _, row := range found.labels {
		if user := byID[row.UserID]; user != nil {
			user.Labels = append(user.Labels, row.label())
		}
	}
	for _, row := range found.documents {
		if user := byID[row.UserID]; user != nil {
			user.Documents = append(user.Documents, row.document())
		}
	}
}

// LoadRelations fills in profile, phones and labels of the users, in one round
// trip whatever their number.
func (r *Repository) LoadRelations(ctx context.Context, users []identity.User) error {
	ids := make([]int64, len(users))
	byID := make(map[int64]*identity.User, len(users))
	for i := range users {
		ids[i] = users[i].ID
		byID[users[i].ID] = &users[i]
	}
	batch := &pgx.Batch{}
	found, err := queueRelations(batch, func(column string) sq.Sqlizer { return sq.Expr(column+" = ANY(?)", ids) })
	if err != nil {
		return err
	}
	if err := r.db.SendBatch(ctx, batch).Close(); err != nil {
		return translate(err)
	}
	found.attach(byID)
	return nil
}
