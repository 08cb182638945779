package bulk

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// maxRow is the maximum length of a row, in bytes: a thousand times that of a typical user.
const maxRow = 1 << 20

// byteOrderMark is U+FEFF in UTF-8, with which Windows programs begin a file.
const byteOrderMark = "\ufeff"

// rows splits an input into rows and tracks the position. That is cheap; several goroutines parse
// the rows.
type rows struct {
	input    io.Reader
	buffered *bufio.Reader
	csv      bool
	header   *layout // nil in NDJSON
	position int64   // bytes that were read
	line     int64   // lines that were read
}

// openRows reads the header of CSV and skips to the position of an earlier run.
func openRows(input io.Reader, format Format, delimiter rune, position, line int64) (*rows, error) {
	r := &rows{input: input, buffered: bufio.NewReaderSize(input, 1<<20), csv: format == CSV}
	if mark, _ := r.buffered.Peek(len(byteOrderMark)); string(mark) == byteOrderMark { // an error is returned with the first row
		n, err := r.buffered.Discard(len(mark))
		if err != nil {
			return nil, err
		}
		r.position = int64(n)
	}
	if r.csv {
		row, err := r.next()
		if errors.Is(err, io.EOF) {
			return nil, errors.New("there is no header, with which CSV begins")
		}
		if err != nil {
			return nil, err
		}
		if r.header, err = parseHeader(row, delimiter); err != nil {
			return nil, err
		}
	}
	if position <= r.position {
		return r, nil
	}
	if file, ok := input.(io.Seeker); ok {
		if _, err := file.Seek(position, io.SeekStart); err != nil {
			return nil, err
		}
		r.buffered.Reset(input)
	} else if _, err := io.CopyN(io.Discard, r.buffered, position-r.position); err != nil {
		return nil, fmt.Errorf("the input ends before row that an earlier run had come to: %w", err)
	}
	r.position, r.line = position, line
	return r, nil
}

// next returns the next row that is not blank, in newly allocated memory and without its line
// break; io.EOF after the last one. A row of CSV may contain line breaks within quotes.
func (r *rows) next() ([]byte, error) {
	var row []byte
	for {
		part, err := r.buffered.ReadSlice('\n')
		row = append(row, part...)
		r.position += int64(len(part))
		if len(row) > maxRow {
			return nil, fmt.Errorf("line %d: a row of more than %d bytes, is a quote open?", r.line+1, maxRow)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if len(part) > 0 {
			r.line++
		}
		end := errors.Is(err, io.EOF)
		if err != nil && !end {
			return nil, err
		}
		if !end && r.csv && bytes.Count(row, []byte{'"'})%2 == 1 {
			continue
		}
		if len(bytes.TrimSpace(row)) > 0 {
			return bytes.TrimRight(row, "\r\n"), nil
		}
		if end {
			return nil, io.EOF
		}
		row = row[:0]
	}
}
