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

// Source holds the keychain in force, which can be replaced while requests are served. It is
// safe for concurrent use.
type Source struct {
	keychain atomic.Pointer[Keychain]
	file     *reload.Files // nil if the keychain is fixed
}

// errEmptied rejects a reloaded file that would lock out every signer. Such a file is more
// often a mistake, or only partly written, than intended.
var errEmptied = errors.New("it names no signers or no scopes, so nobody could call anything: to shut everybody out, stop the server")

// NewSource loads the keychain file. Its errors are those of [ParseKeychain]. Variables in the
// file come from the process's environment. A reload also rejects a file without signers or
// without scopes, unless the keychain in force has none either. The log names the declared
// operations that no signer may call.
func NewSource(path string, log *slog.Logger, declared ...Operation) (*Source, error) {
	s := &Source{}
	warnings := &notices{log: log}
	var err error
	s.file, err = reload.Open("keychain", log, func(contents [][]byte) error {
		keychain, err := ParseKeychain(contents[0], os.Getenv)
		if err != nil {
			return err
		}
		if before := s.keychain.Load(); before != nil && keychain.isEmpty() && !before.isEmpty() {
			return errEmptied
		}
		keychain.notices = warnings
		warnings.inspect(keychain, declared)
		s.keychain.Store(keychain)
		return nil
	}, path)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Fixed returns a source of one keychain that is never replaced.
func Fixed(k *Keychain) *Source {
	s := &Source{}
	s.keychain.Store(k)
	return s
}

// Keychain returns the keychain in force. A request uses the same one until its end.
func (s *Source) Keychain() *Keychain { return s.keychain.Load() }

// Reload reads the file again at once. If it is missing or invalid, the error is logged and
// the keychain in force stays. It does nothing for a fixed keychain.
func (s *Source) Reload() {
	if s.file != nil {
		s.file.Reload()
	}
}

// Watch reloads the file when it changes, until ctx ends ([reload.Files.Watch]). It does
// nothing for a fixed keychain.
func (s *Source) Watch(ctx context.Context, every time.Duration) {
	if s.file != nil {
		s.file.Watch(ctx, every)
	}
}
