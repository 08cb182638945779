package faults

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// binary is barong, built once.
var binary string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	if url := os.Getenv(journalWriterURL); url != "" {
		fmt.Fprintln(os.Stderr, writeJournal(url))
		return 1
	}
	flag.Parse()
	if testing.Short() { // then no test needs the binary
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "barong-faults-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "barong")
	build := exec.Command("go", "build", "-o", binary, ".")
	build.Dir = "../.." // the module of the server
	if output, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %s", err, output)
		return 1
	}
	return m.Run()
}
