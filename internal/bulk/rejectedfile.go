package bulk

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"syscall"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// rejectedFile is the file of rejected rows. The rows of a batch are written before the batch is
// committed, at the end of the previous batch's rows. The run stores that position: after a crash
// the file is truncated to it.
type rejectedFile struct {
	path string
	file *os.File
}

// openRejectedFile truncates the file to the size that the run has stored. A run without a size
// requires that there is no file, unless overwrite is set.
func openRejectedFile(path string, size int64, overwrite bool) (*rejectedFile, error) {
	r := &rejectedFile{path: path}
	if path == "" {
		return r, nil
	}
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && size == 0:
		return r, nil
	case err != nil:
		return nil, fmt.Errorf("the file of refused rows: %w", err)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("the file of refused rows %s is a link or no plain file: name another with --refused", path)
	case size == 0 && info.Size() > 0 && !overwrite:
		return nil, fmt.Errorf("the file of refused rows %s is there already: move it, or name another with --refused", path)
	case info.Size() < size:
		return nil, fmt.Errorf("the file of refused rows %s lacks what an earlier run wrote to it", path)
	}
	if err := r.open(0); err != nil {
		return nil, err
	}
	// Another program may have left the file readable for other users.
	return r, errors.Join(r.file.Chmod(ownerOnly), r.file.Truncate(size))
}

// ownerOnly is the mode of the file, which contains password digests.
const ownerOnly = 0o600

// create makes the file, and fails where it exists.
func (r *rejectedFile) create() error { return r.open(os.O_CREATE | os.O_EXCL) }

// open follows no link: a user who may write to the folder could redirect it.
func (r *rejectedFile) open(flags int) (err error) {
	r.file, err = os.OpenFile(r.path, os.O_RDWR|syscall.O_NOFOLLOW|flags, ownerOnly)
	return err
}

// write stores rejected rows at a position, with a header at the start of CSV, and returns the
// position after them.
func (r *rejectedFile) write(at int64, refused []*row, header *layout) (end int64, err error) {
	if len(refused) == 0 || r.path == "" {
		return at, nil
	}
	var text bytes.Buffer
	if header != nil {
		kept := slices.DeleteFunc(slices.Clone(header.columns), isAnnotation)
		if at == 0 {
			if err := header.append(&text, append(kept, annotations...)); err != nil {
				return at, err
			}
		}
	}
	for _, each := range refused {
		if err := each.appendRefused(&text, header); err != nil {
			return at, err
		}
	}
	if r.file == nil {
		if err := r.create(); err != nil {
			return at, err
		}
	}
	if _, err := r.file.WriteAt(text.Bytes(), at); err != nil {
		return at, err
	}
	end = at + int64(text.Len())
	return end, errors.Join(r.file.Truncate(end), r.file.Sync())
}

func (r *rejectedFile) close() error {
	if r.file == nil {
		return nil
	}
	return r.file.Close()
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
