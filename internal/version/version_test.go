package version

import (
	"runtime/debug"
	"testing"
)

func TestVersionIsThatOfTheTagWhereverTheModuleIs(t *testing.T) {
	t.Parallel()
	barong := func(version string) debug.Module { return debug.Module{Path: "barong", Version: version} }
	dependency := barong("v1.4.0")
	for want, info := range map[string]debug.BuildInfo{
		"1.2.3": {Main: barong("v1.2.3")},
		"1.2.4-0.20261125100741-ecb32a9f8b3c+dirty": {Main: barong("v1.2.4-0.20261125100741-ecb32a9f8b3c+dirty")},
		"1.4.0": {Main: debug.Module{Path: "example.com/backend", Version: "v9.9.9"}, Deps: []*debug.Module{{Path: "example.com/other", Version: "v8.0.0"}, &dependency}},
		Unknown: {Main: barong("(devel)")},
	} {
		if got := of(&info); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	if got := of(&debug.BuildInfo{}); got != Unknown {
		t.Errorf("without any module: %s", got)
	}
}
