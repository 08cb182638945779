package embeddedpg

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// mostSocketBytes is the maximum length of a socket's address on macOS, the smallest of the
// supported systems.
const mostSocketBytes = 103

func self() account { return account{uid: os.Geteuid(), gid: os.Getegid()} }

func TestSocketPathIsShortHoweverLongTheFolders(t *testing.T) {
	long := filepath.Join(folder(t), strings.Repeat("long", 40))
	if err := os.MkdirAll(long, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, tmp := range map[string]string{
		"a long TMPDIR":       long,
		"a TMPDIR with comma": filepath.Join(t.TempDir(), "a,b"),
		"a relative TMPDIR":   "tmp",
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("TMPDIR", tmp)
			dir, err := makeSocketDir(filepath.Join(long, t.Name()), self())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { os.Remove(dir) })
			if path := filepath.Join(dir, socketName); len(path) > mostSocketBytes || strings.Contains(path, ",") {
				t.Errorf("the socket is %s, %d bytes", path, len(path))
			}
		})
	}
	t.Run("a server in a long folder", func(t *testing.T) {
		s := start(t, options(filepath.Join(long, "data")))
		if !reachable(t, s.URL()) {
			t.Error("does not answer")
		}
	})
}

func TestSocketFolderThatOthersMayHavePlantedIsRefused(t *testing.T) {
	t.Parallel()
	plant := map[string]func(dir string) error{
		"a link":             func(dir string) error { return os.Symlink(os.TempDir(), dir) },
		"a file":             func(dir string) error { return os.WriteFile(dir, nil, 0o600) },
		"of another user":    func(dir string) error { return os.Mkdir(dir, 0o700) },
		"of its own account": nil,
	}
	for name, plant := range plant {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cluster := t.TempDir()
			dir, err := makeSocketDir(cluster, self())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { os.Remove(dir) })
			if plant == nil {
				if _, err := makeSocketDir(cluster, self()); err != nil {
					t.Errorf("refused: %v", err)
				}
				return
			}
			if err := os.Remove(dir); err != nil {
				t.Fatal(err)
			}
			if err := plant(dir); err != nil {
				t.Fatal(err)
			}
			if name == "of another user" {
				if os.Geteuid() != 0 {
					t.Skip("only root can give a folder to another user")
				}
				if err := os.Lchown(dir, 4321, 4321); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := makeSocketDir(cluster, self()); err == nil {
				t.Error("taken")
			}
		})
	}
}

func TestOpenSocketFolderIsNotConnectedTo(t *testing.T) {
	t.Parallel()
	s := start(t, options(folder(t)))
	if err := os.Chmod(s.socket, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.cluster.connect(t.Context()); err == nil || !strings.Contains(err.Error(), "private") {
		t.Errorf("got %v", err)
	}
}
