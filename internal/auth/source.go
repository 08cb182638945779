package auth

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"barong/internal/reload"
)

// Source holds the keychain in force, which may be replaced while requests are
// served. It is safe for concurrent use.
type Source struct {
	keychain atomic.Pointer[Keychain]
	file     *reload.Files // nil where the keychain is fixed
}

// errEmptied is a file that would lock everybody out, which is a slip or a file that
// is being written, more often than it is meant.
var errEmptied = errors.New("it names no signers or no scopes, so nobody could call anything: to shut everybody out, stop the server")

// NewSource reads the keychain file. The error says what is wrong with it, as
// [ParseKeychain] does. Variables in it come from the process's environment. Later
// on, a file without signers or without scopes is refused, too, unless the one in
// force has none either. The log says which of the operations declared nobody may
// call.
func NewSource(path string, log *slog.Logger, declared ...Operation) (*Source, error) {
	s := &Source{}
	told := &notices{log: log}
	var err error
	s.file, err = reload.Open("keychain", log, func(contents [][]byte) error {
		keychain, err := ParseKeychain(contents[0], os.Getenv)
		if err != nil {
			return err
		}
		if before := s.keychain.Load(); before != nil && keychain.isEmpty() && !before.isEmpty() {
			return errEmptied
		}
		keychain.notices = told
		told.inspect(keychain, declared)
		s.keychain.Store(keychain)
		return nil
	}, path)
	if err != nil {
		return nil, err
	}
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
	if s.file != nil {
		s.file.Reload()
	}
}

// Watch reloads the file when it has changed, until ctx ends ([reload.Files.Watch]).
// It does nothing for a fixed keychain.
func (s *Source) Watch(ctx context.Context, every time.Duration) {
	if s.file != nil {
		s.file.Watch(ctx, every)
	}
}
