package barong

import (
	"runtime/debug"
	"testing"
)

func TestTheVersionIsThatOfTheModuleInTheProgram(t *testing.T) {
	t.Parallel()
	const path = "example.com/barong/go"
	of := func(module debug.Module) *debug.BuildInfo {
		module.Path = path
		return &debug.BuildInfo{Main: debug.Module{Path: "example.com/backend", Version: "v9.9.9"}, Deps: []*debug.Module{{Path: "example.com/other", Version: "v8.0.0"}, &module}}
	}
	for want, info := range map[string]*debug.BuildInfo{
		"1.2.3":        of(debug.Module{Version: "v1.2.3"}),
		"1.4.0":        of(debug.Module{Version: "v0.0.0", Replace: &debug.Module{Path: "example.com/fork", Version: "v1.4.0"}}),
		unknownVersion: of(debug.Module{Version: "v0.0.0", Replace: &debug.Module{Path: "../client"}}),
	} {
		if got := versionIn(info, path); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	if got := versionIn(&debug.BuildInfo{}, path); got != unknownVersion {
		t.Errorf("without any module: %s", got)
	}
}
