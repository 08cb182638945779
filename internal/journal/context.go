package journal

import "context"

type contextKey struct{}

// WithRecord returns a context for a request that writes, with its record.
func WithRecord(ctx context.Context, record *Record) context.Context {
	return context.WithValue(ctx, contextKey{}, record)
}

// RecordOf returns the record of the request, or nil: it only reads, or nothing is recorded.
func RecordOf(ctx context.Context) *Record {
	record, _ := ctx.Value(contextKey{}).(*Record)
	return record
}

// Enforced reports whether one of the record's keys may be spent once only.
func (r *Record) Enforced() bool {
	for _, key := range r.Keys {
		if key.Enforced {
			return true
		}
	}
	return false
}
