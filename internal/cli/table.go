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

// member is a member of an object. A slice of members keeps their order.
type member struct {
	name  string
	value jsontext.Value
}

// printTable prints a list of objects as one row each, with the member names of the first
// object as the header, and a single object as one row per member. Nested lists and objects
// are printed as JSON.
func printTable(to io.Writer, body []byte) error {
	table := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	decoder := jsontext.NewDecoder(bytes.NewReader(body))
	if decoder.PeekKind() != '[' {
		members, err := readMembers(body)
		if err != nil {
			return fmt.Errorf("the response cannot be printed as a table: %w", err)
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
			return fmt.Errorf("the response cannot be printed as a table: %w", err)
		}
		members, err := readMembers(element)
		if err != nil {
			return fmt.Errorf("the response cannot be printed as a table: %w", err)
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

// cell formats a value: a string without quotes, null as a dash.
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

// printable replaces control characters. Texts come from users and may contain escape
// sequences that a terminal would execute.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) && r != '\u200c' && r != '\u200d' {
			return unicode.ReplacementChar
		}
		return r
	}, strings.ToValidUTF8(text, string(unicode.ReplacementChar)))
}
