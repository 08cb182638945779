package tests

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// letter is an attachment of a user.
func letter(uid string, content []byte) parameters {
	return parameters{"uid": uid, "filename": "letter.png", "file_ext": ".PNG", "upload": base64.StdEncoding.EncodeToString(content)}
}

func TestAttachmentIsStoredAndReadBack(t *testing.T) {
	t.Parallel()
	inEachForm(t, func(t *testing.T, a *api, f form) {
		uid := a.user(nil)
		for i, owner := range []any{uid, nil, "", "  "} {
			content := png(5000 + i)
			got := a.call(f, "createAttachment", parametersOf(letter(uid, content)).with("uid", owner))
			attachment := got.object(t)
			var want any
			if owner == uid {
				want = uid
			}
			if got.status != http.StatusCreated || attachment["id"] != float64(i+1) || attachment["user_uid"] != want || len(attachment) != 3 {
				t.Fatalf("of %q: %s", owner, got)
			}
			if !bytes.HasPrefix(got.body, []byte(`{"id":`+strconv.Itoa(i+1)+`,"user_uid":`)) {
				t.Errorf("the members come as %s", got.body)
			}
			location := attachment["upload"].(string)
			read := fetch(t, http.MethodGet, location)
			if read.status != http.StatusOK || !bytes.Equal(read.body, content) || read.header.Get("Content-Disposition") != "attachment; filename=letter.png" ||
				read.header.Get("Content-Type") != "image/png" || read.header.Get("Cache-Control") != "private, no-store" {
				t.Errorf("%d, %d bytes, %v", read.status, len(read.body), read.header)
			}
			fetch(t, http.MethodGet, location+"A").refused(t, http.StatusNotFound, "Document is not found or its URL has expired")
			a.clock.Advance(time.Minute)
			fetch(t, http.MethodGet, location).refused(t, http.StatusNotFound, "Document is not found or its URL has expired")
		}
		names := a.fileNames()
		if len(names) != 4 || slices.ContainsFunc(names, func(name string) bool { return len(name) != len("att-")+26 || !strings.HasPrefix(name, "att-") }) {
			t.Errorf("the files are %v", names)
		}
		// An attachment is no document, and nothing follows from it.
		if list, labels := a.documents(uid), a.must("listLabels", parameters{"user_uid": uid}).list(t); len(list) != 0 || len(labels) != 0 {
			t.Errorf("documents %v, labels %v", list, labels)
		}
	})
}

func TestEveryRuleOfAnAttachmentIsReported(t *testing.T) {
	t.Parallel()
	inEachForm(t, func(t *testing.T, a *api, f form) {
		good := parametersOf(letter(a.user(nil), png(100)))
		for _, c := range []struct {
			name  string
			value any
			want  string
		}{
			{"upload", "?", "[Upload is invalid]"},
			{"upload", "====", "[Upload is invalid]"},
			{"upload", tenMiB() + "AAAA", "[Upload File size should be less than 10 MB]"},
			{"upload", base64.StdEncoding.EncodeToString([]byte("GIF89a")), "[Upload content does not match its extension]"},
			{"file_ext", "exe", `[Upload You are not allowed to upload "exe" files, allowed types: jpg, jpeg, png, pdf]`},
			{"upload", " ", "upload is empty"},
			{"filename", "", "filename is empty"},
			{"file_ext", " ", "file_ext is empty"},
			{"filename", "a\x00.png", "filename is invalid"},
		} {
			a.call(f, "createAttachment", good.with(c.name, c.value)).refused(t, http.StatusUnprocessableEntity, c.want)
		}
		broken := parameters{"uid": good["uid"], "filename": "x", "file_ext": "exe", "upload": "?"}
		a.call(f, "createAttachment", broken).refused(t, http.StatusUnprocessableEntity, "[Upload is invalid",
			`Upload You are not allowed to upload "exe" files, allowed types: jpg, jpeg, png, pdf]`)
		a.call(f, "createAttachment", parameters{"uid": "nobody"}).refused(t, http.StatusUnprocessableEntity,
			"filename is missing, filename is empty, file_ext is missing, file_ext is empty, upload is missing, upload is empty")
		// A user whom nobody knows comes before the rules of the file.
		a.call(f, "createAttachment", parametersOf(broken).with("uid", "nobody")).refused(t, http.StatusNotFound, "Record is not found")
		if names := a.fileNames(); len(names) != 0 {
			t.Errorf("refused uploads left %v", names)
		}
	})
}

func TestFileWhoseAttachmentFailsIsRemoved(t *testing.T) {
	t.Parallel()
	a := start(t)
	if _, err := a.pool.Exec(t.Context(), "ALTER TABLE attachments ADD CONSTRAINT never CHECK (filename <> '13.png')"); err != nil {
		t.Fatal(err)
	}
	for _, uid := range []string{"", a.user(nil)} {
		a.call(envelopeForm, "createAttachment", parametersOf(letter(uid, png(100))).with("filename", "13.png")).
			refused(t, http.StatusInternalServerError, "Internal server error")
	}
	if names := a.fileNames(); len(names) != 0 {
		t.Errorf("what failed left %v", names)
	}
}

func TestStoreThatIsGoneIsAnswered503ForAnAttachment(t *testing.T) {
	t.Parallel()
	a := start(t)
	if err := os.RemoveAll(a.files); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(a.files, nil, 0o600); err != nil { // in the place of the directory
		t.Fatal(err)
	}
	for _, f := range forms {
		got := a.call(f, "createAttachment", letter("", png(100)))
		got.refused(t, http.StatusServiceUnavailable, "The document store is not available, try again later")
		if got.header.Get("Retry-After") == "" {
			t.Errorf("%v", got.header)
		}
	}
	var rows int
	if err := a.pool.QueryRow(t.Context(), "SELECT count(*) FROM attachments").Scan(&rows); err != nil || rows != 0 {
		t.Errorf("%d rows, %v", rows, err)
	}
}

func TestEncryptedAttachmentIsReadThroughTheServerOnly(t *testing.T) {
	t.Parallel()
	a := start(t, func(s *setup) { s.storage.KeyURL = keyFile(t, 1) })
	content := png(200_000)
	location := a.must("createAttachment", letter("", content)).object(t)["upload"].(string)
	if got := fetch(t, http.MethodGet, location); got.status != http.StatusOK || !bytes.Equal(got.body, content) {
		t.Errorf("%d, %d bytes", got.status, len(got.body))
	}
	stored, err := os.ReadFile(filepath.Join(a.files, a.fileNames()[0]))
	if err != nil || bytes.Contains(stored, content[:64]) {
		t.Errorf("content is readable in the store, or %v", err)
	}
	// The file of one attachment is not read as another's.
	other, _ := url.Parse(a.must("createAttachment", letter("", png(1000))).object(t)["upload"].(string))
	if err := os.WriteFile(filepath.Join(a.files, filepath.Base(other.Path)), stored, 0o600); err != nil {
		t.Fatal(err)
	}
	fetch(t, http.MethodGet, other.String()).refused(t, http.StatusInternalServerError, "Internal server error")
}

func TestSweepAndVerifyLookAtAttachmentsToo(t *testing.T) {
	t.Parallel()
	dir, database := t.TempDir(), newDatabase(t)
	settings := map[string]string{"BARONG_DATA_DIR": dir, "DATABASE_URL": database}
	p := serve(t, settings)
	settings["BARONG_URL"] = "http://" + p.public
	settings["BARONG_LISTEN"] = p.public
	image, content := filepath.Join(t.TempDir(), "letter.png"), png(1000)
	if err := os.WriteFile(image, content, 0o600); err != nil {
		t.Fatal(err)
	}
	store, old := filepath.Join(dir, "documents"), time.Now().Add(-61*time.Minute)
	if out, stderr, exit := barong(t, settings, "call", "createAttachment", "filename=letter.png", "file_ext=png", "upload=@"+image); exit != 0 {
		t.Fatalf("%d %s %s", exit, out, stderr)
	}
	kept, err := filepath.Glob(filepath.Join(store, "att-*"))
	if err != nil || len(kept) != 1 {
		t.Fatalf("%v %v", kept, err)
	}
	orphan := filepath.Join(store, "att-"+strings.Repeat("a", 26))
	if err := os.WriteFile(orphan, []byte("left"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{kept[0], orphan} {
		if err := os.Chtimes(file, old, old); err != nil {
			t.Fatal(err)
		}
	}
	// No document is in the database, and an attachment is: it is the right one.
	out, stderr, exit := barong(t, settings, "documents", "sweep", "--delete", "--yes")
	if exit != 0 || !strings.Contains(out, "removed "+filepath.Base(orphan)) || !strings.Contains(out, "1 files without a document") {
		t.Errorf("sweep: %d %s %s", exit, out, stderr)
	}
	out, stderr, exit = barong(t, settings, "documents", "verify", "--read")
	if exit != 0 || out != "0 documents and 1 attachments, each with its file\n" {
		t.Errorf("verify: %d %s %s", exit, out, stderr)
	}

	out, stderr, exit = barong(t, settings, "attachments", "url", "1")
	if exit != 0 || !strings.HasPrefix(out, "http://"+p.public+"/documents/att-") {
		t.Fatalf("url: %d %s %s", exit, out, stderr)
	}
	if got := fetch(t, http.MethodGet, strings.TrimSpace(out)); got.status != http.StatusOK || !bytes.Equal(got.body, content) {
		t.Errorf("the URL of the command: %d, %d bytes", got.status, len(got.body))
	}
	if out, stderr, exit := barong(t, settings, "attachments", "url", "2"); exit != 1 || !strings.Contains(stderr, "there is no attachment 2") {
		t.Errorf("an id of none: %d %s %s", exit, out, stderr)
	}
	settings["BARONG_PUBLIC_URL"] = "https://barong.example"
	if out, _, _ := barong(t, settings, "attachments", "url", "1"); !strings.HasPrefix(out, "https://barong.example/documents/att-") {
		t.Errorf("with BARONG_PUBLIC_URL: %s", out)
	}
	settings["BARONG_STORAGE_URL"], settings["BARONG_DATA_DIR"] = "file://"+store+"?metadata=skip", t.TempDir()
	if out, stderr, exit := barong(t, settings, "attachments", "url", "1"); exit != 1 || !strings.Contains(stderr, "BARONG_STORAGE_SIGNING_KEY is empty") {
		t.Errorf("without the server's key: %d %s %s", exit, out, stderr)
	}
	delete(settings, "BARONG_STORAGE_URL")
	delete(settings, "BARONG_PUBLIC_URL")
	settings["BARONG_DATA_DIR"] = dir

	if err := os.Remove(kept[0]); err != nil {
		t.Fatal(err)
	}
	if out, stderr, exit := barong(t, settings, "attachments", "url", "1"); exit != 1 || !strings.Contains(stderr, "its file is gone") {
		t.Errorf("a file that is gone: %d %s %s", exit, out, stderr)
	}
	if out, stderr, exit := barong(t, settings, "documents", "verify"); exit != 1 || !strings.Contains(out, "of nobody, ") || !strings.Contains(out, "its file is gone") ||
		!strings.Contains(stderr, "1 of 0 documents and 1 attachments") {
		t.Errorf("verify: %d %s %s", exit, out, stderr)
	}
	p.signal(os.Interrupt)
	p.stops()
}

func TestManyAttachmentsAtOnceAreAllStored(t *testing.T) {
	t.Parallel()
	a := start(t)
	uid := a.user(nil)
	made := concurrently(func(i int) answer {
		return a.call(forms[i%len(forms)], "createAttachment", letter(uid, png(100+i)))
	})
	if won := count(made, http.StatusCreated); won != clients || len(a.fileNames()) != clients {
		t.Errorf("%d of %d were stored, in %d files", won, clients, len(a.fileNames()))
	}
	ids := map[string]bool{}
	for _, each := range made {
		ids[fmt.Sprint(each.object(t)["id"])] = true
	}
	if len(ids) != clients {
		t.Errorf("%d ids", len(ids))
	}
}
