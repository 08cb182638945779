package config

import (
	"os"
	"regexp"
	"testing"
)

// Deployments give the server as much memory as the attacks of tests/faults do: no other amount is
// tested.
func TestDeploymentsGiveTheMemoryThatTheServerIsAttackedWith(t *testing.T) {
	t.Parallel()
	for path, wants := range map[string][]string{
		"../../tests/faults/strangers_test.go": {`memoryBound\s+= 512 << 20`, `memoryTarget = "400MiB"`, `bodyMemory\s+= 128 << 20`},
		"../../deploy/helm/barong/values.yaml": {`limits: \{memory: 512Mi\}`, `GOMEMLIMIT: 400MiB`, `BARONG_BODY_MEMORY: "134217728"`},
		"../../deploy/compose.yaml":            {`mem_limit: 512m`, `GOMEMLIMIT: 400MiB`, `BARONG_BODY_MEMORY: "134217728"`},
		"../../deploy/Dockerfile":              {`GOMEMLIMIT=400MiB`, `BARONG_BODY_MEMORY=134217728`},
		"../../deploy/barong.service":          {`MemoryMax=512M`, `GOMEMLIMIT=400MiB BARONG_BODY_MEMORY=134217728`},
		"../../docs/operations.md":             {`512 MiB, with ` + "`GOMEMLIMIT=400MiB`" + ` and ` + "`BARONG_BODY_MEMORY=134217728`"},
	} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range wants {
			if !regexp.MustCompile(want).Match(text) {
				t.Errorf("%s has no %s", path, want)
			}
		}
	}
}
