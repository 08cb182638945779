// Command barong serves the management API of the Barong OAuth server.
package main

import (
	"os"

	"barong/internal/cli"
)

func main() { os.Exit(cli.Main(os.Args[1:], os.Stdout, os.Stderr)) }
