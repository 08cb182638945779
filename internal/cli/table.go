package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"unicode"

	"github.com/go-json-experiment/json/jsontext"
)

// member is one of an object, in its place.
type member struct {
	name  string
	value jsontext.Value
}

// printTable shows a list of objects as one row for each, under the names of the
// first one's members, and an object as one row for each member. Lists and
// objects inside are JSON in a cell.
func printTable(to io.Writer, body []byte) error {
	table := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	decoder := jsontext.NewDecoder(bytes.NewReader(body))
	if decoder.PeekKind() != '[' {
		members, err := readMembers(body)
		if err != nil {
			return fmt.Errorf("the answer does not fit a table: %w", err)
		}
		for _, m := range members {
			fmt.Fprintf(table, "%s\t%s\n", m.name, cell(m.value))
		}
		return table.Flush()
	}
	if _, err := decoder.ReadToken(); err != nil {
		return err
	}
	var columns []string
	for decoder.PeekKind() != ']' {
		element, err := decoder.ReadValue()
		if err != nil {
			return fmt.Errorf("the answer does not fit a table: %w", err)
		}
		members, err := readMembers(element)
		if err != nil {
			return fmt.Errorf("the answer does not fit a table: %w", err)
		}
		if columns == nil {
			for _, m := range members {
				columns = append(columns, m.name)
			}
			fmt.Fprintln(table, strings.ToUpper(strings.Join(columns, "\t")))
		}
		cells := make([]string, len(columns))
		for i, column := range columns {
			for _, m := range members {
				if m.name == column {
					cells[i] = cell(m.value)
				}
			}
		}
		fmt.Fprintln(table, strings.Join(cells, "\t"))
	}
	return table.Flush()
}

func readMembers(object []byte) (members []member, err error) {
	decoder := jsontext.NewDecoder(bytes.NewReader(object))
	if decoder.PeekKind() != '{' {
		return nil, errors.New("not an object")
	}
	if _, err := decoder.ReadToken(); err != nil {
		return nil, err
	}
	for decoder.PeekKind() != '}' {
		name, err := decoder.ReadToken()
		if err != nil {
			return nil, err
		}
		text := name.String()
		value, err := decoder.ReadValue()
		if err != nil {
			return nil, err
		}
		members = append(members, member{text, value.Clone()})
	}
	return members, nil
}

// cell is a value for people: a text without quotes, a dash for null.
func cell(value jsontext.Value) string {
	switch value.Kind() {
	case 'n':
		return "-"
	case '"':
		text, err := jsontext.AppendUnquote(nil, value)
		if err != nil {
			return string(value)
		}
		return printable(string(text))
	default:
		return printable(string(value))
	}
}

// printable shows what a terminal would act upon, instead of letting it: texts
// come from users, who may have put anything into them.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) && r != '\u200c' && r != '\u200d' {
			return unicode.ReplacementChar
		}
		return r
	}, strings.ToValidUTF8(text, string(unicode.ReplacementChar)))
}
