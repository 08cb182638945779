package repository

import (
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgtype"
)

// records scans an array of records that arrayOfRecords selects into a slice of nouns. It is a
// pgtype.ArraySetter.
type records[T any] struct {
	list    []T // nil for an empty array
	columns columns[T]
	current record[T]
}

// SetDimensions allocates the slice, which the caller may keep.
func (r *records[T]) SetDimensions(dimensions []pgtype.ArrayDimension) error {
	r.list = nil
	if len(dimensions) > 0 {
		r.list = make([]T, dimensions[0].Length)
	}
	return nil
}

// ScanIndex returns the target for an element.
func (r *records[T]) ScanIndex(i int) any {
	r.current = record[T]{noun: &r.list[i], columns: r.columns}
	return &r.current
}

// ScanIndexType returns a value of the type that ScanIndex returns, for pgx's scan plan.
func (r *records[T]) ScanIndexType() any { return &r.current }

// record scans one record into a noun. It is a pgtype.CompositeIndexScanner.
type record[T any] struct {
	noun    *T
	columns columns[T]
}

// ScanNull is never called: an element of arrayOfRecords is not NULL.
func (r *record[T]) ScanNull() error { return fmt.Errorf("a record of %T is NULL", *new(T)) }

// ScanIndex returns the target for a field.
func (r *record[T]) ScanIndex(i int) any { return r.columns[i].target(r.noun) }

// Scan reads a record in text form. pgx itself decodes the binary form only, and requests text
// where DATABASE_URL has default_query_exec_mode=exec, which some poolers need.
func (r *record[T]) Scan(source any) error {
	composite, ok := source.(string)
	if !ok {
		return fmt.Errorf("a record is a %T", source)
	}
	types := newTypeMap()
	fields := pgtype.NewCompositeTextScanner(types, []byte(composite))
	for _, c := range r.columns {
		if !fields.Next() {
			break
		}
		known, ok := types.TypeForName(c.sqlType)
		if !ok {
			return fmt.Errorf("the type %s is unknown", c.sqlType)
		}
		if err := types.Scan(known.OID, pgtype.TextFormatCode, fields.Bytes(), c.target(r.noun)); err != nil {
			return err
		}
	}
	return fields.Err()
}

func newTypeMap() *pgtype.Map {
	types := pgtype.NewMap()
	registerUTC(types)
	return types
}

// registerUTC makes pgx return times in UTC, independent of this machine's time zone.
func registerUTC(types *pgtype.Map) {
	types.RegisterType(&pgtype.Type{
		Name:  "timestamptz",
		OID:   pgtype.TimestamptzOID,
		Codec: &pgtype.TimestamptzCodec{ScanLocation: time.UTC},
	})
}
