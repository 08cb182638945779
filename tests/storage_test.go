package tests

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	_ "gocloud.dev/blob/s3blob"

	"barong/internal/documents"
)

// keyFile makes a key that protects documents.
func keyFile(t testing.TB, fill byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "documents.key")
	key := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{fill}, 32))
	if err := os.WriteFile(file, []byte(key+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return "file://" + file
}

// onlyFile is where the single document is kept.
func (a *api) onlyFile() string {
	a.t.Helper()
	files, err := filepath.Glob(filepath.Join(a.files, "doc-*"))
	if err != nil || len(files) != 1 {
		a.t.Fatalf("files: %v %v", files, err)
	}
	return files[0]
}

func TestEncryptedDocumentIsReadThroughTheServerOnly(t *testing.T) {
	t.Parallel()
	for name, key := range map[string]string{
		"key file":  keyFile(t, 1),
		"base64key": "base64key://" + base64.URLEncoding.EncodeToString(bytes.Repeat([]byte{0xFB}, 32)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := start(t, func(s *setup) { s.storage.KeyURL = key })
			uid := a.user(nil)
			content := png(200_000) // four segments
			a.must("createDocument", passport(uid, content))
			location := a.documents(uid)[0]["upload"].(string)
			if got := fetch(t, http.MethodGet, location); got.status != http.StatusOK || !bytes.Equal(got.body, content) || got.header.Get("Content-Length") != "200000" {
				t.Errorf("%d, %d bytes", got.status, len(got.body))
			}
			file := a.onlyFile()
			stored, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Contains(stored, content[:64]) || bytes.Contains(stored, content[100_000:100_064]) {
				t.Error("content is readable in the store")
			}
			// Whatever is done to the file, nothing that was not stored is served as a whole.
			flipped := bytes.Clone(stored)
			flipped[150_000] ^= 1
			swapped := bytes.Clone(stored)
			copy(swapped[1<<16:], stored[2<<16:3<<16])
			copy(swapped[2<<16:], stored[1<<16:2<<16])
			for what, changed := range map[string][]byte{
				"a bit flipped": flipped, "segments swapped": swapped, "cut at a segment": stored[:2<<16], "cut inside of one": stored[:70_000],
				"empty": nil, "a header only": stored[:40], "longer": append(bytes.Clone(stored), 0), "another file": content,
			} {
				if err := os.WriteFile(file, changed, 0o600); err != nil {
					t.Fatal(err)
				}
				response, err := http.Get(location)
				if err != nil {
					continue
				}
				var served bytes.Buffer
				_, err = served.ReadFrom(response.Body)
				response.Body.Close()
				if response.StatusCode == http.StatusOK && err == nil || response.StatusCode == http.StatusOK && !bytes.HasPrefix(content, served.Bytes()) {
					t.Errorf("%s: served %d bytes with %d", what, served.Len(), response.StatusCode)
				}
			}
		})
	}
}

func TestOneDocumentsFileIsNotReadAsAnothers(t *testing.T) {
	t.Parallel()
	a := start(t, func(s *setup) { s.storage.KeyURL = keyFile(t, 1) })
	uid := a.user(nil)
	a.must("createDocument", passport(uid, png(1000)))
	first := a.onlyFile()
	a.must("createDocument", passport(uid, png(1000)))
	locations := a.documents(uid)
	second, _ := url.Parse(locations[1]["upload"].(string))
	if err := os.Rename(first, filepath.Join(a.files, filepath.Base(second.Path))); err != nil {
		t.Fatal(err)
	}
	fetch(t, http.MethodGet, second.String()).refused(t, http.StatusInternalServerError, "Internal server error")
}

func TestDocumentsFromBeforeEncryptionStayReadable(t *testing.T) {
	t.Parallel()
	a := start(t)
	uid := a.user(nil)
	plain, secret := png(1000), png(1000)
	a.must("createDocument", passport(uid, plain))
	open := func(keyURL string) *documents.Store {
		store, err := documents.Open(t.Context(), documents.Options{
			URL: "file://" + a.files + "?metadata=skip", KeyURL: keyURL, PublicURL: a.root,
			SigningKey: []byte("a key that only this test knows."), TTL: time.Minute, Clock: a.clock.Now,
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = store.Close() })
		return store
	}
	*a.store = *open(keyFile(t, 1))
	a.must("createDocument", passport(uid, secret))
	for i, document := range a.documents(uid) {
		got := fetch(t, http.MethodGet, document["upload"].(string))
		if want := [][]byte{plain, secret}[i]; !bytes.Equal(got.body, want) {
			t.Errorf("document %d: %d, %d bytes", i, got.status, len(got.body))
		}
	}
	// Without the key, and with another, only what was never encrypted is there.
	for keyURL, want := range map[string]int{"": http.StatusInternalServerError, keyFile(t, 2): http.StatusServiceUnavailable} {
		*a.store = *open(keyURL)
		list := a.documents(uid)
		if got := fetch(t, http.MethodGet, list[0]["upload"].(string)); !bytes.Equal(got.body, plain) {
			t.Errorf("plain, with the key %q: %d", keyURL, got.status)
		}
		if got := fetch(t, http.MethodGet, list[1]["upload"].(string)); got.status != want || bytes.Contains(got.body, secret[:64]) {
			t.Errorf("encrypted, with the key %q: %s", keyURL, got)
		}
	}
}

func TestSweepRemovesOldFilesWithoutARowAndNothingElse(t *testing.T) {
	t.Parallel()
	dir, database := t.TempDir(), newDatabase(t)
	settings := map[string]string{"BARONG_DATA_DIR": dir, "DATABASE_URL": database}
	p := serve(t, settings)
	settings["BARONG_URL"] = "http://" + p.public
	out, _, _ := barong(t, settings, "call", "importUser", "email=ada@example.com", "password_digest="+digest)
	uid := decode[map[string]any](t, []byte(out))["uid"].(string)
	image := filepath.Join(t.TempDir(), "passport.png")
	if err := os.WriteFile(image, png(1000), 0o600); err != nil {
		t.Fatal(err)
	}
	store := filepath.Join(dir, "documents")
	if err := os.MkdirAll(store, 0o700); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-61 * time.Minute)
	leave := func(name string, at time.Time) {
		file := filepath.Join(store, name)
		if err := os.WriteFile(file, []byte("left"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(file, at, at); err != nil {
			t.Fatal(err)
		}
	}
	orphan, begun := "doc-"+strings.Repeat("a", 26), "doc-"+strings.Repeat("b", 26)+".18a2b3c4d5e6f708.tmp"
	leave(orphan, old)
	leave(begun, old)
	leave("doc-"+strings.Repeat("c", 26), time.Now().Add(-50*time.Minute))
	leave("somebody-elses.png", old)
	if out, stderr, exit := barong(t, settings, "documents", "sweep", "--delete", "--yes"); exit != 1 || !strings.Contains(stderr, "the database has no document and no attachment at all") {
		t.Errorf("with an empty database: %d %s %s", exit, out, stderr)
	}
	if out, stderr, exit := barong(t, settings, "call", "createDocument", "uid="+uid, "doc_type=Passport", "doc_number=1", "filename=a.png", "file_ext=png", "upload=@"+image); exit != 0 {
		t.Fatalf("createDocument: %d %s %s", exit, out, stderr)
	}
	files, err := filepath.Glob(filepath.Join(store, "doc-*"))
	if err != nil || len(files) != 4 {
		t.Fatalf("%v %v", files, err)
	}
	for _, file := range files {
		if info, err := os.Stat(file); err == nil && info.Size() == 1000 {
			_ = os.Chtimes(file, old, old)
		}
	}
	names := func() int {
		entries, err := os.ReadDir(store)
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	out, stderr, exit := barong(t, settings, "documents", "sweep")
	if exit != 0 || !strings.Contains(out, "abandoned "+orphan) || !strings.Contains(out, "abandoned "+begun) ||
		!strings.Contains(out, "2 files without a document, 8 bytes; nothing was removed") || names() != 5 {
		t.Errorf("dry run: %d %s %s, %d files are left", exit, out, stderr, names())
	}
	out, stderr, exit = barong(t, settings, "documents", "sweep", "--delete", "--yes")
	if exit != 0 || !strings.Contains(out, "removed "+orphan) || !strings.Contains(out, "2 files without a document") || names() != 3 {
		t.Errorf("removal: %d %s %s, %d files are left", exit, out, stderr, names())
	}
	out, _, _ = barong(t, settings, "documents", "sweep", "--delete", "--yes")
	if out != "0 files without a document, 0 bytes\n" {
		t.Errorf("again: %s", out)
	}
	if info, err := os.Stat(store); err != nil || info.Mode().Perm()&0o077 != 0 {
		t.Errorf("the store's folder: %v %v", info.Mode(), err)
	}
	expect := func(exit int, want string, damage func(file string) error) {
		t.Helper()
		files, err := filepath.Glob(filepath.Join(store, "doc-*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if info, err := os.Stat(file); err == nil && info.Size() != 4 { // that of the document
				if err := damage(file); err != nil {
					t.Fatal(err)
				}
			}
		}
		if out, stderr, got := barong(t, settings, "documents", "verify", "--read"); got != exit || !strings.Contains(out, want) {
			t.Errorf("verify: %d %s %s, want %q", got, out, stderr, want)
		}
	}
	expect(0, "1 documents and 0 attachments, each with its file\n", func(string) error { return nil })
	expect(1, " of "+uid+", ", func(file string) error { return os.Truncate(file, 999) })
	expect(1, "its file has 999 bytes instead of 1000", func(string) error { return nil })
	expect(1, "its file is gone", os.Remove)
	p.signal(os.Interrupt)
	p.stops()
}

// withS3 reports whether the tests run with an S3 server.
func withS3() bool { return os.Getenv("BARONG_TEST_S3") != "" }

// s3Version is the S3 server that the tests run against.
const s3Version = "v1.8.0"

// s3Binary is versitygw, an S3 server on a directory, built once for all runs.
var s3Binary = sync.OnceValues(func() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "barong-test", "versitygw-"+s3Version)
	path := filepath.Join(dir, "versitygw")
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	build := exec.Command("go", "install", "github.com/versity/versitygw/cmd/versitygw@"+s3Version)
	build.Env = append(os.Environ(), "GOBIN="+dir)
	if output, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, output)
	}
	return path, nil
})

// s3 runs an S3 server with one empty bucket and returns the bucket's URL and its
// directory.
func s3(t *testing.T) (bucket, files string) {
	t.Helper()
	if !withS3() {
		t.Skip("BARONG_TEST_S3 is empty: no S3 server is built and run")
	}
	path, err := s3Binary()
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	if err := os.Mkdir(filepath.Join(root, "kyc"), 0o755); err != nil {
		t.Fatal(err)
	}
	address := freeAddress(t)
	t.Setenv("AWS_ACCESS_KEY_ID", "access")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret-for-tests")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	server := exec.Command(path, "--port", address, "--access", "access", "--secret", "secret-for-tests", "--quiet", "posix", "--sidecar", t.TempDir(), root)
	log := &logBuffer{}
	server.Stdout, server.Stderr = log, log
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	eventually(t, "the S3 server answers: "+log.String(), func() bool {
		connection, err := net.Dial("tcp", address)
		if err == nil {
			connection.Close()
		}
		return err == nil
	})
	return "s3://kyc?use_path_style=true&region=us-east-1&endpoint=" + url.QueryEscape("http://"+address), filepath.Join(root, "kyc")
}

// Barong's own settings of a bucket are enough, its keys among them.
func TestDocumentsGoToTheBucketOfBarongsSettings(t *testing.T) {
	bucket, files := s3(t)
	parsed, err := url.Parse(bucket)
	if err != nil {
		t.Fatal(err)
	}
	settings := map[string]string{
		"BARONG_DATA_DIR": t.TempDir(), "DATABASE_URL": newDatabase(t),
		"BARONG_STORAGE_PROVIDER": "AWS", "BARONG_STORAGE_BUCKET_NAME": "kyc", "BARONG_STORAGE_REGION": "us-east-1",
		"BARONG_STORAGE_ENDPOINT": parsed.Query().Get("endpoint"), "BARONG_STORAGE_PATHSTYLE": "true", "BARONG_STORAGE_SIGNATURE_VERSION": "4",
		"BARONG_STORAGE_ACCESS_KEY": "access", "BARONG_STORAGE_SECRET_KEY": "secret-for-tests", "AWS_EC2_METADATA_DISABLED": "true",
	}
	p := serve(t, settings)
	settings["BARONG_URL"] = "http://" + p.public
	image := filepath.Join(t.TempDir(), "passport.png")
	if err := os.WriteFile(image, png(1000), 0o600); err != nil {
		t.Fatal(err)
	}
	out, _, _ := barong(t, settings, "call", "importUser", "email=ada@example.com", "password_digest="+digest)
	uid := decode[map[string]any](t, []byte(out))["uid"].(string)
	if out, stderr, exit := barong(t, settings, "call", "createDocument", "uid="+uid, "doc_type=Passport", "doc_number=1", "filename=a.png", "file_ext=png", "upload=@"+image); exit != 0 {
		t.Fatalf("createDocument: %s %s", out, stderr)
	}
	if stored, err := filepath.Glob(filepath.Join(files, "doc-*")); err != nil || len(stored) != 1 {
		t.Errorf("the bucket has %v (%v)", stored, err)
	}
	if strings.Contains(p.log.String(), "BARONG_STORAGE") {
		t.Errorf("the log has a warning: %s", p.log)
	}
	p.signal(os.Interrupt)
	p.stops()
}

func TestDocumentsInS3(t *testing.T) {
	bucket, files := s3(t)
	a := start(t, func(s *setup) { s.storage.URL = bucket })
	a.files = files
	uid := a.user(nil)
	content := png(10 << 20)
	a.must("createDocument", parametersOf(passport(uid, content)).with("filename", "../ünï.html"))
	location := a.documents(uid)[0]["upload"].(string)
	if strings.HasPrefix(location, a.root) {
		t.Fatalf("the store signs no URL of its own: %s", location)
	}
	got := fetch(t, http.MethodGet, location)
	if got.status != http.StatusOK || !bytes.Equal(got.body, content) || got.header.Get("Content-Type") != "image/png" ||
		got.header.Get("Content-Disposition") != "attachment; filename*=utf-8''%C3%BCn%C3%AF.html.png" {
		t.Errorf("%d, %d bytes, %v", got.status, len(got.body), got.header)
	}
	signed, err := url.Parse(location)
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(url.Values){
		"no signature":    func(q url.Values) { q.Del("X-Amz-Signature") },
		"another":         func(q url.Values) { q.Set("X-Amz-Signature", strings.Repeat("0", 64)) },
		"a longer life":   func(q url.Values) { q.Set("X-Amz-Expires", "86400") },
		"nothing at all":  func(q url.Values) { clear(q) },
		"listing instead": func(q url.Values) { q.Set("list-type", "2"); signed.Path = "/kyc" },
	} {
		changed := *signed
		query := changed.Query()
		change(query)
		changed.RawQuery = query.Encode()
		if got := fetch(t, http.MethodGet, changed.String()); got.status != http.StatusForbidden && got.status != http.StatusBadRequest || bytes.Contains(got.body, content[:64]) {
			t.Errorf("%s: %s", name, got)
		}
	}
	if seconds := signed.Query().Get("X-Amz-Expires"); seconds != "60" {
		t.Errorf("the URL is good for %s s", seconds)
	}
}

func TestExpiredURLOfS3IsRefused(t *testing.T) {
	bucket, _ := s3(t)
	a := start(t, func(s *setup) { s.storage.URL, s.storage.TTL = bucket, 5*time.Second })
	uid := a.user(nil)
	a.must("createDocument", passport(uid, png(100)))
	location := a.documents(uid)[0]["upload"].(string)
	if got := fetch(t, http.MethodGet, location); got.status != http.StatusOK {
		t.Errorf("in time: %s", got)
	}
	time.Sleep(6100 * time.Millisecond)
	if got := fetch(t, http.MethodGet, location); got.status != http.StatusForbidden {
		t.Errorf("too late: %d", got.status)
	}
}

func TestEncryptedDocumentsInS3(t *testing.T) {
	bucket, files := s3(t)
	a := start(t, func(s *setup) { s.storage.URL, s.storage.KeyURL = bucket, keyFile(t, 1) })
	a.files = files
	uid := a.user(nil)
	content := png(10 << 20)
	a.must("createDocument", passport(uid, content))
	location := a.documents(uid)[0]["upload"].(string)
	if !strings.HasPrefix(location, a.root+"/documents/") {
		t.Errorf("an encrypted document is at %s", location)
	}
	if got := fetch(t, http.MethodGet, location); !bytes.Equal(got.body, content) {
		t.Errorf("%d, %d bytes", got.status, len(got.body))
	}
	stored, err := os.ReadFile(a.onlyFile())
	if err != nil || bytes.Contains(stored, content[5<<20:5<<20+64]) {
		t.Errorf("content is readable in the store: %v", err)
	}
}

func TestSweepOfS3(t *testing.T) {
	bucket, files := s3(t)
	settings := map[string]string{
		"BARONG_DATA_DIR": t.TempDir(), "DATABASE_URL": newDatabase(t), "BARONG_STORAGE_URL": bucket,
		"AWS_ACCESS_KEY_ID": "access", "AWS_SECRET_ACCESS_KEY": "secret-for-tests",
	}
	file := filepath.Join(files, "doc-"+strings.Repeat("a", 26))
	if err := os.WriteFile(file, []byte("left"), 0o600); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-2 * time.Hour)
	if err := os.Chtimes(file, old, old); err != nil {
		t.Fatal(err)
	}
	if out, stderr, exit := barong(t, settings, "documents", "sweep", "--delete", "--yes", "--force"); exit != 0 || !strings.Contains(out, "1 files without a document, 4 bytes") {
		t.Errorf("%d %s %s", exit, out, stderr)
	}
	if _, err := os.Stat(file); !os.IsNotExist(err) {
		t.Errorf("the file is still there: %v", err)
	}
}
