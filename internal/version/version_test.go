package version

import (
	"runtime/debug"
	"testing"
)

func TestVersionIsThatOfTheTag(t *testing.T) {
	t.Parallel()
	barong := func(version string) debug.Module { return debug.Module{Path: "barong", Version: version} }
	for want, info := range map[string]debug.BuildInfo{
		"1.2.3": {Main: barong("v1.2.3")},
		"1.2.4-0.20261125100741-ecb32a9f8b3c+dirty": {Main: barong("v1.2.4-0.20261125100741-ecb32a9f8b3c+dirty")},
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
