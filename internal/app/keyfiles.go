package app

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
)

// loadOrCreateKey reads a key file in the data directory. If it is missing, it creates the
// file with mode 0600. When several processes do so at once, all get the key of the first: the
// file appears complete and is never replaced.
func loadOrCreateKey(path string, generate func() ([]byte, error), log *slog.Logger) ([]byte, error) {
	key, err := os.ReadFile(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	if key, err = generate(); err != nil {
		return nil, err
	}
	temporary, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return nil, err
	}
	defer os.Remove(temporary.Name()) //nolint:errcheck // the hard link keeps the content
	_, err = temporary.Write(key)
	if err := errors.Join(err, temporary.Sync(), temporary.Close()); err != nil {
		return nil, fmt.Errorf("the key file %s could not be written: %w", path, err)
	}
	err = os.Link(temporary.Name(), path)
	switch {
	case err == nil:
		log.Info("a key was made", "file", path)
	case !errors.Is(err, fs.ErrExist):
		return nil, err
	}
	return os.ReadFile(path)
}

// ErrNoKey means that a key is neither configured nor created by a server.
var ErrNoKey = errors.New("which barong serve makes: set the setting, or BARONG_DATA_DIR to the server's folder")

// existingKey reads a key file that a server has created in the data directory. It creates
// none. setting names the empty setting that could name another key, for the error.
func existingKey(path, setting string) ([]byte, error) {
	key, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s is empty, and there is no file %s, %w", setting, path, ErrNoKey)
	}
	return key, err
}
