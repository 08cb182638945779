// Command cloud is barong with the drivers of stores and key services elsewhere: what a
// release and its image contain. It is a module of its own, so that who changes the
// server neither downloads nor compiles the SDKs of four providers.
package main

import (
	"os"

	_ "gocloud.dev/blob/azureblob"        // azblob://
	_ "gocloud.dev/blob/gcsblob"          // gs://
	_ "gocloud.dev/blob/s3blob"           // s3://
	_ "gocloud.dev/secrets/awskms"        // awskms://
	_ "gocloud.dev/secrets/azurekeyvault" // azurekeyvault://
	_ "gocloud.dev/secrets/gcpkms"        // gcpkms://
	_ "gocloud.dev/secrets/hashivault"    // hashivault://, Vault's transit engine

	"barong/internal/cli"
)

func main() { os.Exit(cli.Main(os.Args[1:], os.Stdout, os.Stderr)) }
