package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/theory/jsonpath"
)

// output is the format of a response: json, table, or jsonpath= with a query.
type output string

const (
	outputJSON     output = "json"
	outputTable    output = "table"
	jsonpathPrefix        = "jsonpath="
)

// Validate rejects an unknown format. Kong calls it.
func (o output) Validate() error {
	if o == outputJSON || o == outputTable {
		return nil
	}
	query, ok := strings.CutPrefix(string(o), jsonpathPrefix)
	if !ok {
		return fmt.Errorf("must be json, table or jsonpath=EXPR, and is %q", string(o))
	}
	if _, err := jsonpath.Parse(query); err != nil {
		return fmt.Errorf("is not a JSONPath (RFC 9535): %w", err)
	}
	return nil
}

func (o output) print(to io.Writer, body []byte) error {
	switch query, isQuery := strings.CutPrefix(string(o), jsonpathPrefix); {
	case isQuery:
		return printSelected(to, body, query)
	case o == outputTable:
		return printTable(to, body)
	default:
		return printJSON(to, body)
	}
}

// printJSON indents JSON without unnecessary escapes, so that a URL in it can be copied. It
// prints anything else unchanged.
func printJSON(to io.Writer, body []byte) error {
	pretty := jsontext.Value(bytes.TrimSpace(body))
	if pretty.Format(jsontext.WithIndent("  "), jsontext.AllowDuplicateNames(true)) != nil {
		pretty = body
	}
	_, err := fmt.Fprintln(to, strings.TrimSpace(string(pretty)))
	return err
}

// printSelected prints each result of a query on a line: a string without quotes, for scripts,
// and anything else as JSON. Without results it prints nothing.
func printSelected(to io.Writer, body []byte, query string) error {
	path, err := jsonpath.Parse(query)
	if err != nil {
		return err
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return fmt.Errorf("the response is not JSON: %w", err)
	}
	for _, node := range path.Select(value) {
		if text, ok := node.(string); ok {
			if _, err := fmt.Fprintln(to, text); err != nil {
				return err
			}
			continue
		}
		encoder := json.NewEncoder(to)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(node); err != nil {
			return err
		}
	}
	return nil
}

// pagePrinter prints the pages of a list as one list.
type pagePrinter struct {
	to       io.Writer
	output   output
	elements []jsontext.Value // of all pages, if the format needs them at once
	printed  int
}

func newPagePrinter(to io.Writer, output output) *pagePrinter {
	return &pagePrinter{to: to, output: output}
}

func (l *pagePrinter) add(page []byte) error {
	var elements []json.RawMessage
	if err := json.Unmarshal(page, &elements); err != nil {
		return fmt.Errorf("the response is not a list: %w", err)
	}
	for _, element := range elements {
		if l.output != outputJSON {
			l.elements = append(l.elements, jsontext.Value(element))
			continue
		}
		separator := ",\n  "
		if l.printed == 0 {
			separator = "[\n  "
		}
		l.printed++
		pretty := jsontext.Value(element)
		if err := pretty.Format(jsontext.WithIndentPrefix("  "), jsontext.WithIndent("  ")); err != nil {
			return err
		}
		if _, err := fmt.Fprint(l.to, separator, string(pretty)); err != nil {
			return err
		}
	}
	return nil
}

func (l *pagePrinter) end() error {
	if l.output != outputJSON {
		all := []byte("[")
		for i, element := range l.elements {
			if i > 0 {
				all = append(all, ',')
			}
			all = append(all, element...)
		}
		return l.output.print(l.to, append(all, ']'))
	}
	closing := "\n]"
	if l.printed == 0 {
		closing = "[]"
	}
	_, err := fmt.Fprintln(l.to, closing)
	return err
}
