package repository

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// targets returns the scan targets in a value, in the order of a row's columns. Those of a noun
// come from its list of columns.
type targets[T any] func(*T) []any

// single is the targets of rows with one column.
func single[T any](value *T) []any { return []any{value} }

// exec runs a statement and returns the number of rows that it wrote.
func (r *Repository) exec(ctx context.Context, s statement, given args) (int64, error) {
	tag, err := r.db.Exec(ctx, s.sql, s.bind(given)...)
	return tag.RowsAffected(), translate(err)
}

// all returns the rows of a statement: without rows an empty slice, never nil.
func all[T any](ctx context.Context, r *Repository, s statement, given args, fields targets[T]) ([]T, error) {
	rows, err := r.db.Query(ctx, s.sql, s.bind(given)...)
	if err != nil {
		return nil, translate(err)
	}
	list, err := collect(rows, fields)
	return list, translate(err)
}

// one returns the single row of a statement; a missing row is identity.ErrRecordNotFound.
func one[T any](ctx context.Context, r *Repository, s statement, given args, fields targets[T]) (value T, err error) {
	err = r.db.QueryRow(ctx, s.sql, s.bind(given)...).Scan(fields(&value)...)
	return value, translate(err)
}

// each calls visit for every row. All calls get the same pointer; visit may keep a copy of the
// value.
func each[T any](ctx context.Context, r *Repository, s statement, given args, fields targets[T], visit func(*T) error) error {
	rows, err := r.db.Query(ctx, s.sql, s.bind(given)...)
	if err != nil {
		return translate(err)
	}
	return translate(visitRows(rows, fields, visit))
}

// collect is all for a statement of a batch.
func collect[T any](rows pgx.Rows, fields targets[T]) ([]T, error) {
	list := []T{}
	err := visitRows(rows, fields, func(value *T) error {
		list = append(list, *value)
		return nil
	})
	return list, err
}

func visitRows[T any](rows pgx.Rows, fields targets[T], visit func(*T) error) error {
	var value T
	_, err := pgx.ForEachRow(rows, fields(&value), func() error { return visit(&value) })
	return err
}
