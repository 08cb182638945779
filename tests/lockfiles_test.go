package tests

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// npm takes a package from where a lock file says, whatever registry the machine's
// npmrc names: the lock files say which package it must be, and not where it is.
func TestLockFilesLeaveTheRegistryToTheMachine(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../clients/*/package-lock.json")
	if err != nil || len(files) < 2 {
		t.Fatalf("there are lock files beside %v (%v)", files, err)
	}
	for _, file := range append(files, "generators/typescript/package-lock.json") {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(content, []byte(`"resolved"`)) || !bytes.Contains(content, []byte(`"integrity"`)) {
			t.Errorf("%s names a registry, or packages without a digest", file)
		}
	}
}
