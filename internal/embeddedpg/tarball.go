package embeddedpg

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

const (
	packagePrefix = "package/" // npm puts every file below it
	nativePrefix  = "native/"  // PostgreSQL; the rest is JavaScript

	// symlinkList lists the symbolic links, which an npm package cannot contain.
	symlinkList = "native/pg-symlinks.json"
)

// unpack writes the native part of an npm package to dir. It rejects the whole package when an
// entry would be outside of dir, or is neither a file nor a folder.
func unpack(tarball io.Reader, dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	uncompressed, err := gzip.NewReader(tarball)
	if err != nil {
		return err
	}
	entries := tar.NewReader(uncompressed)
	for {
		header, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return relink(root)
		}
		if err != nil {
			return err
		}
		name, ok := strings.CutPrefix(header.Name, packagePrefix)
		if !ok || !filepath.IsLocal(name) {
			return fmt.Errorf("the entry %q points out of the package", header.Name)
		}
		if header.Typeflag == tar.TypeDir || !strings.HasPrefix(name, nativePrefix) {
			continue
		}
		if header.Typeflag != tar.TypeReg {
			return fmt.Errorf("the entry %q is not a file", header.Name)
		}
		if err := write(root, name, header.FileInfo().Mode(), entries); err != nil {
			return err
		}
	}
}

// write makes a file that all users may read, and execute when the owner may.
func write(root *os.Root, name string, mode fs.FileMode, content io.Reader) error {
	if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	perm := fs.FileMode(0o644)
	if mode&0o100 != 0 {
		perm = 0o755
	}
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, content)
	return errors.Join(err, f.Close())
}

// relink makes the symbolic links of the package's list.
func relink(root *os.Root) error {
	text, err := root.ReadFile(symlinkList)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var links []struct {
		Source string `json:"source"` // what the link points to
		Target string `json:"target"` // where the link is
	}
	if err := json.Unmarshal(text, &links); err != nil {
		return fmt.Errorf("the list of links %s: %w", symlinkList, err)
	}
	for _, link := range links {
		if !filepath.IsLocal(link.Source) || !filepath.IsLocal(link.Target) {
			return fmt.Errorf("the link %q to %q points out of the package", link.Target, link.Source)
		}
		source, err := filepath.Rel(path.Dir(link.Target), link.Source)
		if err != nil {
			return err
		}
		if err := root.MkdirAll(path.Dir(link.Target), 0o755); err != nil {
			return err
		}
		if err := root.Symlink(source, link.Target); err != nil {
			return err
		}
	}
	return nil
}
