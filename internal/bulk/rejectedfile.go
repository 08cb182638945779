package bulk

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// openRejected opens a file of rejected rows.
func openRejected(path string, size int64, overwrite bool) (*output, error) {
	return openOutput("the file of refused rows", "--refused", path, size, overwrite)
}

// writeRefused stores rejected rows at a position, with a header at the start of CSV, and returns
// the position behind them.
func (o *output) writeRefused(at int64, refused []*row, header *layout) (end int64, err error) {
	if len(refused) == 0 || o.path == "" {
		return at, nil
	}
	var text bytes.Buffer
	if header != nil && at == 0 {
		kept := slices.DeleteFunc(slices.Clone(header.columns), isAnnotation)
		if err := header.append(&text, append(kept, annotations...)); err != nil {
			return at, err
		}
	}
	for _, each := range refused {
		if err := each.appendRefused(&text, header); err != nil {
			return at, err
		}
	}
	return o.writeAt(at, text.Bytes())
}

func isAnnotation(name string) bool { return slices.Contains(annotations, name) }

// appendRefused writes the original row with its line, unless it has none, and the reasons.
func (r *row) appendRefused(to *bytes.Buffer, header *layout) error {
	reasons, err := json.Marshal(r.sentences)
	if err != nil {
		return err
	}
	if header != nil {
		return header.append(to, r.refusedFields(header, string(reasons)))
	}
	members, err := withoutAnnotations(r.raw)
	if err != nil { // not JSON: its text is stored as a string
		quoted, err := jsontext.AppendQuote(nil, bytes.ToValidUTF8(r.raw, []byte("\ufffd")))
		if err != nil {
			return err
		}
		members = append([]byte(`"row":`), quoted...)
	}
	to.WriteByte('{')
	to.Write(members)
	if len(members) > 0 {
		to.WriteByte(',')
	}
	if r.line > 0 {
		fmt.Fprintf(to, "\"line\":%d,", r.line)
	}
	fmt.Fprintf(to, "\"errors\":%s}\n", reasons)
	return nil
}

// refusedFields puts a row that is not CSV into its first column.
func (r *row) refusedFields(header *layout, reasons string) []string {
	values, err := header.parse(r.raw)
	if err != nil {
		values = []string{string(r.raw)}
	}
	var fields []string
	for i, name := range header.columns {
		if isAnnotation(name) {
			continue
		}
		value := ""
		if i < len(values) {
			value = values[i]
		}
		fields = append(fields, value)
	}
	fields = append(fields, strconv.FormatInt(r.line, 10), reasons)
	if len(values) > len(header.columns) { // appended, so that no value is lost
		fields = append(fields, values[len(header.columns):]...)
	}
	return fields
}

// withoutAnnotations returns the members of a JSON object unchanged, without the brackets and
// without the members that an earlier run added.
func withoutAnnotations(object []byte) ([]byte, error) {
	decoder := jsontext.NewDecoder(bytes.NewReader(object), jsontext.AllowDuplicateNames(true))
	if decoder.PeekKind() != '{' {
		return nil, errors.New("no object")
	}
	if _, err := decoder.ReadToken(); err != nil {
		return nil, err
	}
	var members []byte
	for decoder.PeekKind() != '}' {
		name, err := decoder.ReadValue()
		if err != nil {
			return nil, err
		}
		name = name.Clone()
		value, err := decoder.ReadValue()
		if err != nil {
			return nil, err
		}
		if isAnnotation(string(bytes.Trim(name, `"`))) {
			continue
		}
		if members != nil {
			members = append(members, ',')
		}
		members = append(append(append(members, name...), ':'), value...)
	}
	if _, err := decoder.ReadToken(); err != nil {
		return nil, err
	}
	if decoder.PeekKind() != 0 {
		return nil, errors.New("something follows the object")
	}
	return members, nil
}
