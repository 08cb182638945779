package documentimport

import (
	"cmp"
	"encoding/json"
	"io"
	"iter"
	"path"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"barong/internal/bulk"
)

// record is a row of NDJSON.
type record struct {
	Source    bulk.Text      `json:"source,omitempty"`
	ID        bulk.Text      `json:"id,omitempty"`
	UID       bulk.Text      `json:"uid,omitempty"`
	Type      bulk.Text      `json:"doc_type,omitempty"`
	Number    bulk.Text      `json:"doc_number,omitempty"`
	Expire    bulk.Text      `json:"doc_expire,omitempty"`
	Metadata  jsontext.Value `json:"metadata,omitempty"` // a string with JSON, or any other JSON
	Filename  bulk.Text      `json:"filename,omitempty"`
	Path      bulk.Text      `json:"path,omitempty"`
	CreatedAt bulk.Text      `json:"created_at,omitempty"`
	UpdatedAt bulk.Text      `json:"updated_at,omitempty"`

	// Members that the file of rejected rows adds; an import ignores them.
	Line   jsontext.Value `json:"line,omitempty"`
	Errors jsontext.Value `json:"errors,omitempty"`
}

// NDJSON returns the rows of an input.
func NDJSON(input io.Reader) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		for line, err := range bulk.NDJSONRows(input) {
			if err != nil {
				yield(Row{}, err)
				return
			}
			row := parse(line.Raw)
			row.Line, row.Raw, row.Position = line.Line, line.Raw, line.End
			if !yield(row, nil) {
				return
			}
		}
	}
}

func parse(raw []byte) (row Row) {
	var r record
	if sentence := bulk.UnmarshalRow(raw, &r); sentence != "" {
		row.Invalid = []string{sentence}
		return row
	}
	trimmed := func(t bulk.Text) string { return strings.TrimSpace(string(t)) }
	row = Row{
		Source: trimmed(r.Source), ID: cmp.Or(trimmed(r.ID), string(r.Path)), Path: string(r.Path), UID: trimmed(r.UID), Type: trimmed(r.Type),
		Number: string(r.Number), Filename: cmp.Or(string(r.Filename), path.Base(string(r.Path))),
	}
	moment := func(name, layout string, t bulk.Text) time.Time {
		if trimmed(t) == "" {
			return time.Time{}
		}
		read, err := time.Parse(layout, trimmed(t))
		if err != nil {
			row.Invalid = append(row.Invalid, name+" is invalid")
		}
		return read.UTC().Truncate(time.Microsecond) // the precision of the database
	}
	row.CreatedAt = moment("Created at", time.RFC3339, r.CreatedAt)
	row.UpdatedAt = moment("Updated at", time.RFC3339, r.UpdatedAt)
	if expire := moment("Doc expire", time.DateOnly, r.Expire); !expire.IsZero() {
		row.Expire = &expire
	}
	row.Metadata = metadataOf(r.Metadata)
	return row
}

// metadataOf returns the text of a member that is a string with JSON, or any other JSON; nil for null
// and a blank string.
func metadataOf(value jsontext.Value) *string {
	var metadata string
	switch value.Kind() {
	case 'n', jsontext.KindInvalid:
		return nil
	case '"':
		if err := json.Unmarshal(value, &metadata); err != nil {
			metadata = string(value)
		}
	default:
		metadata = string(value)
	}
	if strings.TrimSpace(metadata) == "" {
		return nil
	}
	return &metadata
}

// raw returns the row as NDJSON: as it was read, or built for a row of a database.
func (r *Row) raw() ([]byte, error) {
	if r.Raw != nil {
		return r.Raw, nil
	}
	built := map[string]any{
		"source": r.Source, "id": r.ID, "uid": r.UID, "doc_type": r.Type, "doc_number": r.Number, "filename": r.Filename, "path": r.Path,
	}
	if r.Expire != nil {
		built["doc_expire"] = r.Expire.Format(time.DateOnly)
	}
	if r.Metadata != nil {
		built["metadata"] = *r.Metadata
	}
	for name, at := range map[string]time.Time{"created_at": r.CreatedAt, "updated_at": r.UpdatedAt} {
		if !at.IsZero() {
			built[name] = at.UTC().Format(time.RFC3339Nano)
		}
	}
	return json.Marshal(built)
}
