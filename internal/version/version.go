// Package version knows the version of the product, which is beside that of the
// interface (info.version of openapi.yaml).
package version

import (
	"runtime/debug"
	"strings"
)

// Unknown is the version of a binary that was built outside of a repository, or by go
// test or go run, which do not ask the repository.
const Unknown = "0.0.0-devel"

// stamped is set by the linker (-X barong/version.stamped=1.2.3) where the sources are
// built outside of their repository: from an archive of a release, for example.
var stamped string

// Product is the version of the product without a leading v. The tag in git is its
// source: go build writes it into the binary, or for a commit without a tag a version
// made of the tag before, the commit's time and its name
// (0.3.1-0.20261125100741-ecb32a9f8b3c), with +dirty where files were changed.
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

// UserAgent is what a part of the product calls itself in requests, as
// barong-cli/1.2.3.
func UserAgent(part string) string { return part + "/" + Product() }
