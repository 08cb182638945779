package bulk

import (
	"errors"
	"io"
	"iter"

	"github.com/go-json-experiment/json"
)

// What follows lets imports of other records read and write NDJSON by the rules of this package.

// Text is a JSON string, or a number or boolean that is read as its text.
type Text = text

// Row is a row of NDJSON.
type Row struct {
	Line int64
	Raw  []byte
	End  int64 // position in the input after the row
}

// NDJSONRows returns the rows of an input that are not blank.
func NDJSONRows(input io.Reader) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		rows, err := openRows(input, NDJSON, 0, 0, 0)
		if err != nil {
			yield(Row{}, err)
			return
		}
		for {
			raw, err := rows.next()
			if errors.Is(err, io.EOF) {
				return
			}
			if !yield(Row{Line: rows.line, Raw: raw, End: rows.position}, err) || err != nil {
				return
			}
		}
	}
}

// UnmarshalRow decodes a row of NDJSON. Where it cannot be decoded, the result is a sentence that
// says why.
func UnmarshalRow(raw []byte, to any) (sentence string) {
	if err := json.Unmarshal(raw, to, json.RejectUnknownMembers(true)); err != nil {
		return unreadable(err)
	}
	return ""
}

// RejectedRows is a file of rejected rows of NDJSON. It is created with the first row.
type RejectedRows struct {
	file *output
	size int64
}

// CreateRejectedRows prepares a file, which must not exist or must be empty; "" is none.
func CreateRejectedRows(path string) (*RejectedRows, error) {
	file, err := openRejected(path, 0, false)
	if err != nil {
		return nil, err
	}
	return &RejectedRows{file: file}, nil
}

// RejectedNDJSON is a row and the reasons for its rejection. Line 0 is left out.
type RejectedNDJSON struct {
	Line      int64
	Raw       []byte
	Sentences []string
}

// Add appends rows. They are durable when it returns.
func (r *RejectedRows) Add(rejected []RejectedNDJSON) (err error) {
	rows := make([]*row, len(rejected))
	for i, each := range rejected {
		rows[i] = &row{line: each.Line, raw: each.Raw, sentences: each.Sentences}
	}
	r.size, err = r.file.writeRefused(r.size, rows, nil)
	return err
}

// Close closes the file.
func (r *RejectedRows) Close() error { return r.file.close() }
