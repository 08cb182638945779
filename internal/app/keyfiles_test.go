package app

import (
	"bytes"
	"crypto/rand"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

func TestKeyFileIsMadeOnceWhoeverStartsFirst(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "otp", "some.key")
	keys := make([][]byte, 50)
	var done sync.WaitGroup
	for i := range keys {
		done.Go(func() {
			var err error
			keys[i], err = loadOrCreateKey(path, func() ([]byte, error) { return []byte(rand.Text()), nil }, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Error(err)
			}
		})
	}
	done.Wait()
	for _, key := range keys {
		if len(key) == 0 || !bytes.Equal(key, keys[0]) {
			t.Errorf("%s and %s", key, keys[0])
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
	if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) != 1 {
		t.Errorf("left over: %v %v", entries, err)
	}
}
