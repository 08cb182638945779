// Command derive prints the document that a server serves as /openapi.client.json,
// from openapi.yaml instead of a running server. The clients of clients/ are
// generated from it.
package main

import (
	"fmt"
	"os"

	"github.com/getkin/kin-openapi/openapi3"

	"barong/internal/clientspec"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: derive openapi.yaml > openapi.client.json")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(file string) error {
	document, err := openapi3.NewLoader().LoadFromFile(file)
	if err != nil {
		return fmt.Errorf("%s cannot be read: %w", file, err)
	}
	derived, err := clientspec.Derive(document, "")
	if err != nil {
		return err
	}
	_, err = os.Stdout.Write(append(derived, '\n'))
	return err
}
