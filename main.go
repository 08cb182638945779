// Command barong serves the management API of the Barong OAuth server.
package main

import (
	_ "embed"
	"os"

	"barong/cli"
)

//go:embed openapi.yaml
var spec []byte

func main() { os.Exit(cli.Main(spec, os.Args[1:], os.Stdout, os.Stderr)) }
