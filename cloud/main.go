// Command cloud is barong with the drivers of Google Cloud, Azure, AWS KMS and
// Vault's transit engine, which the plain binary leaves out for their size. It is a
// module of its own, so that nobody else downloads what they are made of.
package main

import (
	"os"

	_ "gocloud.dev/blob/azureblob"        // azblob://
	_ "gocloud.dev/blob/gcsblob"          // gs://
	_ "gocloud.dev/secrets/awskms"        // awskms://
	_ "gocloud.dev/secrets/azurekeyvault" // azurekeyvault://
	_ "gocloud.dev/secrets/gcpkms"        // gcpkms://
	_ "gocloud.dev/secrets/hashivault"    // hashivault://, Vault's transit engine

	"barong/internal/cli"
)

func main() { os.Exit(cli.Main(os.Args[1:], os.Stdout, os.Stderr)) }
