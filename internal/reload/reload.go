// Package reload puts files in force anew when they change, while the process goes
// on: a keychain, a certificate with its key.
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

// Files are some files that belong together. They are safe for concurrent use.
type Files struct {
	name   string // in the log, as "keychain"
	paths  []string
	accept func(contents [][]byte) error
	log    *slog.Logger

	mutex  sync.Mutex
	seen   reading // by the last look at the files
	judged reading // that was accepted, or refused, last
}

// reading is what a look at the files found.
type reading struct {
	contents string // of all files, one behind the other
	lengths  string // which tells where each of them ends
	failure  string // why they could not be read; else empty
}

// Open reads the files and has accept judge their contents, in the order of paths.
// accept puts them in force, or says in an error why it does not. Here that error
// is returned; later it is logged under the name, and what was in force before
// stays so.
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

// Reload reads the files again, at once. What is gone or refused is logged, and
// what was in force before stays so.
func (f *Files) Reload() {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	found, contents := f.read()
	f.seen = found
	f.judge(found, contents)
}

// Watch looks at the files until ctx ends, and reloads when they have changed and
// two looks in a row find the same: a file that is being written may be sound, or
// empty, half-way, and one of two may be there before the other. It compares
// contents, not times: so it notices a symbolic link that was swapped, which is how
// a mounted ConfigMap or Secret changes.
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

// judge has what was found accepted, or says in the log why not. The mutex is held.
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
