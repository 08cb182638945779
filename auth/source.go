package auth

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Source holds the keychain in force, which may be replaced while requests are
// served. It is safe for concurrent use.
type Source struct {
	keychain atomic.Pointer[Keychain]
	path     string // empty where the keychain is fixed
	log      *slog.Logger

	mutex  sync.Mutex
	seen   reading // by the last look at the file
	judged reading // that was put in force, or refused, last
}

// reading is what a look at the file found.
type reading struct {
	content string
	failure string // why it could not be read; else empty
}

// NewSource reads the keychain file. The error says what is wrong with it, as
// [ParseKeychain] does. Variables in it come from the process's environment.
func NewSource(path string, log *slog.Logger) (*Source, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("the keychain file cannot be read: %w", err)
	}
	keychain, err := ParseKeychain(content, os.Getenv)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	found := reading{content: string(content)}
	s := &Source{path: path, log: log, seen: found, judged: found}
	s.keychain.Store(keychain)
	return s, nil
}

// Fixed is a source of one keychain, which no file replaces.
func Fixed(k *Keychain) *Source {
	s := &Source{}
	s.keychain.Store(k)
	return s
}

// Keychain is the one in force now. A request uses one for as long as it takes.
func (s *Source) Keychain() *Keychain { return s.keychain.Load() }

// Reload reads the file again, at once. A file that is gone or refused is logged,
// and the keychain in force stays. It does nothing for a fixed keychain.
func (s *Source) Reload() {
	if s.path == "" {
		return
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.seen = s.read()
	s.judge(s.seen)
}

// Watch looks at the file until ctx ends, and reloads when it has changed and two
// looks in a row find the same: a file that is being written may be sound, or
// empty, half-way. It compares content, not times: so it notices a symbolic link
// that was swapped, which is how a mounted ConfigMap changes. It does nothing for
// a fixed keychain.
func (s *Source) Watch(ctx context.Context, every time.Duration) {
	if s.path == "" {
		return
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			s.look()
		case <-ctx.Done():
			return
		}
	}
}

func (s *Source) look() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	found := s.read()
	hasSettled := found == s.seen
	s.seen = found
	if hasSettled && found != s.judged {
		s.judge(found)
	}
}

func (s *Source) read() reading {
	content, err := os.ReadFile(s.path)
	if err != nil {
		return reading{failure: err.Error()}
	}
	return reading{content: string(content)}
}

// judge puts what was found in force, or says in the log why not. The mutex is held.
func (s *Source) judge(found reading) {
	s.judged = found
	if found.failure != "" {
		s.log.Error("keychain file cannot be read, the keychain before stays in force", "file", s.path, "error", found.failure)
		return
	}
	keychain, err := ParseKeychain([]byte(found.content), os.Getenv)
	if err != nil {
		s.log.Error("keychain file refused, the keychain before stays in force", "file", s.path, "error", err)
		return
	}
	s.keychain.Store(keychain)
	s.log.Info("keychain loaded", "file", s.path, "signers", len(keychain.keys), "scopes", len(keychain.scopes))
}
