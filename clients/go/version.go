package barong

import (
	"reflect"
	"runtime/debug"
	"strings"
	"sync"
)

// unknownVersion is the version of a client that was not built from a released module.
const unknownVersion = "0.0.0-devel"

// Version returns the version of this module in the program, without a leading v. It is
// 0.0.0-devel if the module was built from a local directory.
var Version = sync.OnceValue(func() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return unknownVersion
	}
	return versionIn(info, reflect.TypeFor[Client]().PkgPath())
})

// versionIn returns the version of a module, found by its path.
func versionIn(info *debug.BuildInfo, path string) string {
	for _, module := range append([]*debug.Module{&info.Main}, info.Deps...) {
		if module.Path != path {
			continue
		}
		if module.Replace != nil {
			module = module.Replace
		}
		if module.Version != "" && module.Version != "(devel)" {
			return strings.TrimPrefix(module.Version, "v")
		}
	}
	return unknownVersion
}

func userAgent() string { return "barong-go/" + Version() }
