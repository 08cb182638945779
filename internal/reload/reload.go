// Package reload reloads files that change while the process runs, such as a keychain, or a
// certificate with its key.
package reload

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// Files is a group of files that are reloaded together. It is safe for concurrent use.
type Files struct {
	name   string // for the log, such as "keychain"
	paths  []string
	accept func(contents [][]byte) error
	log    *slog.Logger

	mutex  sync.Mutex
	seen   reading // result of the last check
	judged reading // last result that was accepted or rejected
}

// reading is the result of reading the files.
type reading struct {
	contents string // of all files, concatenated
	lengths  string // of each file, to tell where one ends
	failure  string // why they could not be read; else empty
}

// Open reads the files and passes their contents to accept, in the order of paths. accept puts
// them into force, or returns an error and leaves the previous contents in force. Open returns
// that error; later ones are logged under the name.
func Open(name string, log *slog.Logger, accept func(contents [][]byte) error, paths ...string) (*Files, error) {
	f := &Files{name: name, paths: paths, accept: accept, log: log}
	contents, err := f.contents()
	if err != nil {
		return nil, fmt.Errorf("the %s file cannot be read: %w", name, err)
	}
	if err := accept(contents); err != nil {
		return nil, fmt.Errorf("%s: %w", strings.Join(paths, ", "), err)
	}
	f.seen = readingOf(contents)
	f.judged = f.seen
	return f, nil
}

// Reload reads the files again at once. If one is missing or invalid, the error is logged and
// the previous contents stay in force.
func (f *Files) Reload() {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	found, contents := f.read()
	f.seen = found
	f.judge(found, contents)
}

// Watch checks the files until ctx ends. It reloads them when they have changed and two
// consecutive checks find the same contents, because a partly written file may be valid or
// empty, and one of two files may be replaced before the other. It compares contents, not
// times, so that it detects a replaced symbolic link, which is how a mounted ConfigMap or
// Secret changes.
func (f *Files) Watch(ctx context.Context, every time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			f.look()
		case <-ctx.Done():
			return
		}
	}
}

func (f *Files) look() {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	found, contents := f.read()
	hasSettled := found == f.seen
	f.seen = found
	if hasSettled && found != f.judged {
		f.judge(found, contents)
	}
}

func (f *Files) contents() ([][]byte, error) {
	contents := make([][]byte, len(f.paths))
	for i, path := range f.paths {
		var err error
		if contents[i], err = os.ReadFile(path); err != nil {
			return nil, err
		}
	}
	return contents, nil
}

func (f *Files) read() (reading, [][]byte) {
	contents, err := f.contents()
	if err != nil {
		return reading{failure: err.Error()}, nil
	}
	return readingOf(contents), contents
}

func readingOf(contents [][]byte) reading {
	lengths := make([]int, len(contents))
	for i, content := range contents {
		lengths[i] = len(content)
	}
	return reading{contents: string(slices.Concat(contents...)), lengths: fmt.Sprint(lengths)}
}

// judge passes the result to accept, and logs the outcome. The caller holds the mutex.
func (f *Files) judge(found reading, contents [][]byte) {
	f.judged = found
	if found.failure != "" {
		f.log.Error(f.name+" file cannot be read, the "+f.name+" before stays in force", "file", f.paths, "error", found.failure)
		return
	}
	if err := f.accept(contents); err != nil {
		f.log.Error(f.name+" file refused, the "+f.name+" before stays in force", "file", f.paths, "error", err)
		return
	}
	f.log.Info(f.name+" loaded", "file", f.paths)
}
