package endpoints

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"barong/internal/reload"
)

// Source holds the endpoints in force, which are replaced when the file or a file that it names changes. It
// is safe for concurrent use.
type Source struct {
	file      *reload.Files
	endpoints atomic.Pointer[[]*Endpoint]

	mutex   sync.Mutex
	secrets map[string][sha256.Size]byte // digests of the files with secrets, as they were last read
}

// Load reads the file once.
func Load(path string) ([]*Endpoint, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("the file cannot be read: %w", err)
	}
	return Parse(content, beside(path, func(string, []byte) {}))
}

// beside reads files whose paths are relative to the folder of another file, and shows each to seen.
func beside(path string, seen func(path string, content []byte)) func(string) ([]byte, error) {
	return func(name string) ([]byte, error) {
		if !filepath.IsAbs(name) {
			name = filepath.Join(filepath.Dir(path), name)
		}
		content, err := os.ReadFile(name)
		seen(name, content)
		return content, err
	}
}

// NewSource loads the file. Its errors are those of [Parse].
func NewSource(path string, log *slog.Logger) (*Source, error) {
	s := &Source{}
	var err error
	s.file, err = reload.Open("webhooks", log, func(contents [][]byte) error {
		secrets := map[string][sha256.Size]byte{}
		list, err := Parse(contents[0], beside(path, func(name string, content []byte) { secrets[name] = sha256.Sum256(content) }))
		s.mutex.Lock()
		s.secrets = secrets
		s.mutex.Unlock()
		if err == nil {
			s.endpoints.Store(&list)
		}
		return err
	}, path)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Endpoints returns the endpoints in force. The caller changes nothing in them.
func (s *Source) Endpoints() []*Endpoint { return *s.endpoints.Load() }

// Endpoint returns the endpoint with a name, or nil.
func (s *Source) Endpoint(name string) *Endpoint {
	for _, endpoint := range s.Endpoints() {
		if endpoint.Name == name {
			return endpoint
		}
	}
	return nil
}

// Reload reads the files again at once. If one is missing or invalid, the error is logged and the endpoints
// in force stay.
func (s *Source) Reload() { s.file.Reload() }

// Watch reloads the file when it changes, until ctx ends ([reload.Files.Watch]). When a file with a secret
// changes, Watch reloads all of them at the second look that finds the same change.
func (s *Source) Watch(ctx context.Context, every time.Duration) {
	go s.file.Watch(ctx, every)
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	var changed map[string][sha256.Size]byte
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		found, same := s.lookAtSecrets()
		switch {
		case same:
			changed = nil
		case equal(found, changed):
			changed = nil
			s.Reload()
		default:
			changed = found
		}
	}
}

// lookAtSecrets returns the digests of the files with secrets, and whether they are as last read.
func (s *Source) lookAtSecrets() (map[string][sha256.Size]byte, bool) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	found := make(map[string][sha256.Size]byte, len(s.secrets))
	for path := range s.secrets {
		content, _ := os.ReadFile(path) // a missing file counts as empty, and Reload reports it
		found[path] = sha256.Sum256(content)
	}
	return found, equal(found, s.secrets)
}

func equal(a, b map[string][sha256.Size]byte) bool {
	if len(a) != len(b) || b == nil {
		return false
	}
	for path, digest := range a {
		if other, ok := b[path]; !ok || other != digest {
			return false
		}
	}
	return true
}
