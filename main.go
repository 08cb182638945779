// Command barong serves the management API of the Barong OAuth server.
package main

import (
	_ "embed"
	"os"
	_ "time/tzdata" // where the system has no time zones, as in an empty container image

	_ "golang.org/x/crypto/x509roots/fallback" // where it has no certificates; those that it has prevail

	"barong/internal/cli"
)

//go:embed openapi.yaml
var spec []byte

func main() { os.Exit(cli.Main(spec, os.Args[1:], os.Stdout, os.Stderr)) }
