package bulk

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"barong/internal/spelling"
)

// delimiters are detected automatically: the comma of RFC 4180, the semicolon of spreadsheets in
// locales with a decimal comma, and the tab of copied tables.
var delimiters = []rune{',', ';', '\t'}

// layout describes the rows of a CSV file.
type layout struct {
	columns   []string
	delimiter rune
}

// parseHeader reads the first row of a CSV file. Without a delimiter it takes the one that yields
// the most columns with known or similar names.
func parseHeader(row []byte, delimiter rune) (*layout, error) {
	if !utf8.Valid(row) {
		return nil, errors.New("the header is not UTF-8")
	}
	if delimiter == 0 {
		delimiter = findDelimiter(row)
	}
	header := &layout{delimiter: delimiter}
	names, err := header.parse(row)
	if err != nil {
		return nil, fmt.Errorf("the header cannot be read: %w", err)
	}
	for _, name := range names {
		column := strings.ToLower(strings.TrimSpace(name))
		if !slices.Contains(columns, column) && !isAnnotation(column) {
			return nil, unknownColumn(name)
		}
		if slices.Contains(header.columns, column) {
			return nil, fmt.Errorf("the header has the column %q twice", name)
		}
		header.columns = append(header.columns, column)
	}
	return header, nil
}

func findDelimiter(row []byte) rune {
	found, most := delimiters[0], 0
	for _, delimiter := range delimiters {
		names, err := (&layout{delimiter: delimiter}).parse(row)
		if err != nil {
			continue
		}
		known := 0
		for _, name := range names {
			if slices.Contains(columns, strings.ToLower(strings.TrimSpace(name))) {
				known += 2
			} else if _, near := spelling.Nearest(name, columns); near {
				known++
			}
		}
		if known > most {
			found, most = delimiter, known
		}
	}
	return found
}

func unknownColumn(name string) error {
	if suggestion := spelling.Suggestion(name, columns); suggestion != "" {
		return fmt.Errorf("the header has the column %q%s", name, suggestion)
	}
	return fmt.Errorf("the header has the column %q, and knows %s", name, strings.Join(columns, ", "))
}

// parse splits a row into fields.
func (l *layout) parse(row []byte) ([]string, error) {
	reader := csv.NewReader(bytes.NewReader(row))
	reader.Comma = l.delimiter
	reader.FieldsPerRecord = -1
	fields, err := reader.Read()
	if err != nil {
		return nil, err
	}
	if _, err := reader.Read(); !errors.Is(err, io.EOF) {
		return nil, errors.New("a quote is open or bare")
	}
	return fields, nil
}

// append writes a row.
func (l *layout) append(to *bytes.Buffer, fields []string) error {
	writer := csv.NewWriter(to)
	writer.Comma = l.delimiter
	if err := writer.Write(fields); err != nil {
		return err
	}
	writer.Flush()
	return writer.Error()
}

// ParseDelimiter reads a column delimiter: one character, or the word tab.
func ParseDelimiter(text string) (rune, error) {
	if text == "tab" || text == `\t` {
		return '\t', nil
	}
	delimiter, size := utf8.DecodeRuneInString(text)
	if size != len(text) || size == 0 || delimiter == utf8.RuneError || strings.ContainsRune("\"\r\n", delimiter) {
		return 0, fmt.Errorf("a delimiter is one character, or tab, and not %q", text)
	}
	return delimiter, nil
}
