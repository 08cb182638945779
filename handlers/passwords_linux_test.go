package handlers

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// niceOf returns the niceness values of this process's threads.
func niceOf(t *testing.T) map[string]bool {
	t.Helper()
	files, err := filepath.Glob("/proc/self/task/*/stat")
	if err != nil || len(files) == 0 {
		t.Fatal(err, files)
	}
	found := map[string]bool{}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			continue // the thread has ended
		}
		// The niceness is field 19; fields are counted after the name in brackets.
		_, after, _ := strings.Cut(string(content), ") ")
		found[strings.Fields(after)[16]] = true
	}
	return found
}

// A thread with a lower priority than those of requests would not hash while requests use all
// processors. A higher GOMAXPROCS would take processor time from requests.
func TestHashingCompetesWithRequestsAsAnEqualOnHalfOfTheProcessors(t *testing.T) {
	before, processors := niceOf(t), runtime.GOMAXPROCS(0)
	p := NewPasswords(11)
	if workers, _ := p.Capacity(); workers != max(1, processors/2) {
		t.Errorf("%d processors have %d workers", processors, workers)
	}
	done := make(chan error, 1)
	go func() {
		_, err := p.Hash(t.Context(), "Tecohvi0")
		done <- err
	}()
	looked := 0
	for {
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
			if looked == 0 {
				t.Error("the hash was over before anybody looked")
			}
			return
		default:
		}
		if hashing, _ := p.Load(); hashing == 0 {
			continue
		}
		looked++
		for nice := range niceOf(t) {
			if !before[nice] {
				t.Fatalf("a thread that hashes has the niceness %s", nice)
			}
		}
		if now := runtime.GOMAXPROCS(0); now != processors {
			t.Fatalf("while it hashes there are %d processors and not %d", now, processors)
		}
	}
}
