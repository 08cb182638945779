package documents

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"barong/internal/identity"
)

// The umask is the least restrictive one, which a service may have. It applies to the whole
// process, so this test does not run in parallel.
func TestFilesOfDocumentsAreTheirOwnersAlone(t *testing.T) { //nolint:paralleltest // sets the mask of the process
	before := syscall.Umask(0)
	defer syscall.Umask(before)
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	root := filepath.Join(t.TempDir(), "made")
	own, err := DirectoryURL(filepath.Join(root, "own"))
	if err != nil {
		t.Fatal(err)
	}
	for name, url := range map[string]string{
		"own":      own,
		"others":   "file://" + filepath.ToSlash(root) + "/others?create_dir=true",
		"careless": "file://" + filepath.ToSlash(root) + "/careless?create_dir=true&dir_file_mode=0777&metadata=",
	} {
		store, err := Open(t.Context(), Options{URL: url, SigningKey: make([]byte, signingKeySize), TTL: time.Minute, Clock: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		document := identity.File{Filename: "passport.png", ContentType: "image/png"}
		if err := store.Put(t.Context(), Document, &document, []byte("content")); err != nil {
			t.Fatal(err)
		}
		files := 0
		err = filepath.WalkDir(filepath.Join(root, name), func(path string, entry fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := entry.Info()
			if err != nil {
				return err
			}
			want := fs.FileMode(0o600)
			if entry.IsDir() {
				want = 0o700
			} else {
				files++
			}
			if info.Mode().Perm() != want {
				t.Errorf("%s: %s has the mode %s", name, path, info.Mode())
			}
			return nil
		})
		if err != nil || files != 1 {
			t.Errorf("%s: %d files of one document, %v", name, files, err)
		}

		// Existing files are not overwritten, and links are not followed.
		victim := filepath.Join(temporary, "victim")
		if err := os.WriteFile(victim, []byte("kept"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(victim, filepath.Join(root, name, "doc-link")); err != nil {
			t.Fatal(err)
		}
		for _, object := range []string{document.Object, "doc-link"} {
			if err := store.write(t.Context(), object, "image/png", "", nil, []byte("other")); err == nil || !strings.Contains(err.Error(), "exists") {
				t.Errorf("%s: %s was written over: %v", name, object, err)
			}
		}
		if content, err := os.ReadFile(victim); string(content) != "kept" {
			t.Errorf("%s: the link was followed: %q %v", name, content, err)
		}
		if err := errors.Join(os.Remove(victim), store.Close()); err != nil {
			t.Error(err)
		}
	}
}
