package repository

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// targets are the fields of a value that take the columns of a row, in their order.
// Those of a noun come from its list of columns.
type targets[T any] func(*T) []any

// single is the targets of rows of one column.
func single[T any](value *T) []any { return []any{value} }

// exec runs a statement and returns how many rows it wrote.
func (r *Repository) exec(ctx context.Context, s statement, given args) (int64, error) {
	tag, err := r.db.Exec(ctx, s.sql, s.bind(given)...)
	return tag.RowsAffected(), translate(err)
}

// all returns the rows of a statement: an empty slice, never nil, where there are none.
func all[T any](ctx context.Context, r *Repository, s statement, given args, fields targets[T]) ([]T, error) {
	rows, err := r.db.Query(ctx, s.sql, s.bind(given)...)
	if err != nil {
		return nil, translate(err)
	}
	list, err := collect(rows, fields)
	return list, translate(err)
}

// one returns the single row of a statement; none is identity.ErrRecordNotFound.
func one[T any](ctx context.Context, r *Repository, s statement, given args, fields targets[T]) (value T, err error) {
	err = r.db.QueryRow(ctx, s.sql, s.bind(given)...).Scan(fields(&value)...)
	return value, translate(err)
}

// each calls visit for every row. The value is the same one each time, and visit may
// keep a copy of it.
func each[T any](ctx context.Context, r *Repository, s statement, given args, fields targets[T], visit func(*T) error) error {
	rows, err := r.db.Query(ctx, s.sql, s.bind(given)...)
	if err != nil {
		return translate(err)
	}
	return translate(visitRows(rows, fields, visit))
}

// collect returns rows as all does, for a statement of a batch.
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
