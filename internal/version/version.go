// Package version holds the version of the product, which is independent of the API version
// (info.version of openapi.yaml).
package version

import (
	"runtime/debug"
	"strings"
)

// Unknown is the version of a binary that was built outside a repository, or with go test or
// go run, which do not record the version.
const Unknown = "0.0.0-devel"

// stamped is set by the linker (-X barong/internal/version.stamped=1.2.3) if the sources are built
// outside their repository, for example from a release archive.
var stamped string

// Product returns the version of the product without a leading v. go build records it from the
// git tag. For an untagged commit it is a pseudo-version of the previous tag, the commit's
// time and its hash (0.3.1-0.20261125100741-ecb32a9f8b3c), with +dirty if files were changed.
func Product() string {
	if stamped != "" {
		return strings.TrimPrefix(stamped, "v")
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return Unknown
	}
	return of(info)
}

func of(info *debug.BuildInfo) string {
	if version := info.Main.Version; version != "" && version != "(devel)" {
		return strings.TrimPrefix(version, "v")
	}
	return Unknown
}

// UserAgent returns the User-Agent of a part of the product, such as barong-cli/1.2.3.
func UserAgent(part string) string { return part + "/" + Product() }
