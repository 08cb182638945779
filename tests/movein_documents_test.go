package tests

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"barong/internal/long"
)

// documentMove is a database with users, a store and a folder with the files of another
// system.
type documentMove struct {
	bulkFile
	files string // of the other system
	store string
}

func newDocumentMove(t testing.TB, users ...string) documentMove {
	t.Helper()
	m := documentMove{bulkFile: newBulk(t)}
	m.files, m.store = filepath.Join(m.dir, "files"), filepath.Join(m.dir, "data", "documents")
	for _, dir := range []string{m.files, m.store} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	rows := ""
	for i, uid := range users {
		rows += fmt.Sprintf(`{"uid":%q,"email":"u%d@example.com","password_digest":%q,"labels":[{"key":"email","value":"verified"}]}`+"\n", uid, i, digest)
	}
	m.run(0, "import", m.write("users.ndjson", rows))
	return m
}

// file writes a file of the other system.
func (m documentMove) file(path string, content []byte) {
	m.t.Helper()
	path = filepath.Join(m.files, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		m.t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		m.t.Fatal(err)
	}
}

// list writes rows of NDJSON.
func (m documentMove) list(name string, rows ...string) string {
	m.t.Helper()
	return m.write(name, strings.Join(rows, "\n")+"\n")
}

func (m documentMove) imports(want int, args ...string) (stdout, stderr string) {
	m.t.Helper()
	args = append([]string{"documents", "import", "--files", m.files, "--refused", filepath.Join(m.t.TempDir(), "refused")}, args...)
	return m.run(want, args...)
}

// complete checks that each document has its intact file, and each file its
// document.
func (m documentMove) complete(want int64) {
	m.t.Helper()
	if n := m.count("SELECT count(*) FROM documents"); n != want {
		m.t.Errorf("%d documents, want %d", n, want)
	}
	if n := m.count("SELECT count(*) FROM imported_documents"); n != want {
		m.t.Errorf("%d documents are remembered, want %d", n, want)
	}
	m.run(0, "documents", "verify", "--read")
	if files := m.stored(); int64(len(files)) != want {
		m.t.Errorf("%d files, want %d", len(files), want)
	}
}

// stored returns the names of the files in the store.
func (m documentMove) stored() []string {
	m.t.Helper()
	entries, err := os.ReadDir(m.store)
	if err != nil {
		m.t.Fatal(err)
	}
	names := make([]string, len(entries))
	for i, entry := range entries {
		names[i] = entry.Name()
	}
	return names
}

const (
	uidA = "IDAAAAAAAAAA"
	uidB = "IDBBBBBBBBBB"
)

func TestImportedDocumentKeepsItsFieldsAndTimes(t *testing.T) {
	t.Parallel()
	m := newDocumentMove(t, uidA)
	content := png(5000)
	m.file("a/one.png", content)
	before := m.count("SELECT count(*) + sum(level) FROM labels, users")
	out, _ := m.imports(0, m.list("list.ndjson",
		`{"uid":"`+uidA+`","doc_type":"passport","doc_number":12345,"doc_expire":"2001-02-03","metadata":{"a":"ü"},"filename":"Reisepaß.png","path":"a/one.png","created_at":"2000-01-02T03:04:05.123456Z","updated_at":"2001-01-02T03:04:05+02:00"}`))
	if !strings.HasPrefix(out, "1 imported, 0 updated, 0 unchanged, 0 refused\n") {
		t.Errorf("the summary is %s", out)
	}
	if n := m.count(`SELECT count(*) FROM documents JOIN users ON users.id = user_id WHERE uid = '` + uidA + `' AND doc_type = 'Passport'
		AND doc_number = '12345' AND doc_expire = '2001-02-03' AND metadata = '{"a":"ü"}' AND filename = 'Reisepaß.png' AND content_type = 'image/png'
		AND size = 5000 AND wrapped_key IS NULL AND documents.created_at = '2000-01-02T03:04:05.123456Z' AND documents.updated_at = '2001-01-02T01:04:05Z'`); n != 1 {
		t.Error("the document has other fields")
	}
	if after := m.count("SELECT count(*) + sum(level) FROM labels, users"); after != before {
		t.Error("labels or levels have changed")
	}
	if n := m.count("SELECT count(*) FROM labels WHERE key = 'document'"); n != 0 {
		t.Error("a label was written")
	}
	m.complete(1)
	if got := m.read(filepath.Join(m.store, m.stored()[0])); got != string(content) {
		t.Error("the content has changed")
	}
}

func TestImportOfDocumentsAppliesTheRulesOfTheOperation(t *testing.T) {
	t.Parallel()
	m := newDocumentMove(t, uidA)
	m.settings["REQUIRED_DOCS_EXPIRE"] = "true"
	m.file("good.png", png(100))
	m.file("largest.png", png(10<<20))
	m.file("large.png", png(10<<20+1))
	m.file("empty.png", nil)
	m.file("page.png", []byte("<html><script>alert(1)</script>"))
	m.file("page.html", []byte("<html>"))
	m.file("scan", png(100))
	if err := os.Symlink("loop.png", filepath.Join(m.files, "loop.png")); err != nil {
		t.Fatal(err)
	}
	row := func(change ...string) string {
		members := map[string]any{"uid": uidA, "doc_type": "Passport", "doc_number": "A1", "doc_expire": "2030-01-01", "path": "good.png"}
		for i := 0; i < len(change); i += 2 {
			members[change[i]] = change[i+1]
		}
		text, err := json.Marshal(members)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	cases := []struct{ row, want string }{
		{row(), ""},
		{row("path", "largest.png", "doc_number", ""), ""},
		{row("id", "not found", "path", "missing.png"), "Upload is not found"},
		{row("path", "large.png"), "Upload File size should be less than 10 MB"},
		{row("path", "empty.png"), "Upload File size should be greater than 1 Byte"},
		{row("path", "page.png"), "Upload content does not match its extension"},
		{row("path", "page.html"), `Upload You are not allowed to upload "html" files, allowed types: jpg, jpeg, png, pdf`},
		{row("path", "scan"), `Upload You are not allowed to upload "" files, allowed types: jpg, jpeg, png, pdf`},
		{row("path", "loop.png"), "Upload cannot be read"},
		{row("path", "../files/good.png", "id", "outside"), "Upload is not found"},
		{row("path", ""), "Id is invalid; Path is invalid"},
		{row("path", "a\x00b", "id", "nul"), "Path is invalid"},
		{row("path", strings.Repeat("a", 1025)), "Id is invalid; Path is invalid"},
		{row("id", "nobody", "uid", uidB), "Uid is not found"},
		{row("id", "no uid", "uid", ""), "Uid is not found"},
		{row("id", "not a uid", "uid", "\x00"), "Uid is not found"},
		{row("id", "type", "doc_type", "Library card"), "Doc type is not included in the list"},
		{row("id", "number", "doc_number", "1.2"), "Doc number only allows letters and digits"},
		{row("id", "long number", "doc_number", strings.Repeat("1", 129)), "Doc number is too long (maximum is 128 characters)"},
		{row("id", "expire", "doc_expire", "tomorrow"), "Doc expire is invalid"},
		{row("id", "no expire", "doc_expire", ""), "Doc expire can't be blank"},
		{row("id", "metadata", "metadata", "{a}"), "Metadata data is not json compatible string"},
		{row("id", "metadata large", "metadata", `"`+strings.Repeat("a", 64<<10)+`"`), "Metadata data is not json compatible string"},
		{row("id", "time", "created_at", "yesterday"), "Created at is invalid"},
		{row("id", "future", "created_at", "2999-01-01T00:00:00Z"), "Created at is in the future"},
		{row("id", "future too", "updated_at", "2999-01-01T00:00:00Z"), "Updated at is in the future"},
		{row("id", "filename", "filename", strings.Repeat("a", 252)+".png"), "Filename is invalid"},
		{row("id", "filename too", "filename", "a\x00.png"), "Filename is invalid"},
		{row("colour", "red"), "colour is unknown"},
		{row("uid", uidA)[1:], "Row is not a JSON object"},
		{
			row("id", "all", "path", "empty.png", "filename", "a.exe", "doc_type", "x", "doc_number", "?", "metadata", "?"),
			`Upload File size should be greater than 1 Byte; Upload You are not allowed to upload "exe" files, allowed types: jpg, jpeg, png, pdf; ` +
				"Doc type is not included in the list; Metadata data is not json compatible string; Doc number only allows letters and digits",
		},
	}
	rows, want := []string{""}, []string{}
	accepted := 0
	for i, c := range cases {
		rows = append(rows, c.row)
		if c.want == "" {
			accepted++
		} else {
			want = append(want, fmt.Sprint(i+2, " ", c.want))
		}
	}
	list, refused := m.list("list.ndjson", rows...), filepath.Join(m.dir, "refused.ndjson")
	reasons := func() (got []string) {
		for line := range strings.Lines(m.read(refused)) {
			var row struct {
				Line   int      `json:"line"`
				Errors []string `json:"errors"`
			}
			if err := json.Unmarshal([]byte(line), &row); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			got = append(got, fmt.Sprint(row.Line, " ", strings.Join(row.Errors, "; ")))
		}
		return got
	}
	check := func(out, summary string) {
		t.Helper()
		if got := reasons(); !slices.Equal(got, want) {
			t.Errorf("refused are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		if !strings.HasPrefix(out, fmt.Sprintf(summary, accepted, len(want))) {
			t.Errorf("the summary is %s", out)
		}
		if info, err := os.Stat(refused); err != nil || info.Mode() != 0o600 {
			t.Errorf("the mode of the file is %v %v", info, err)
		}
	}

	out, _ := m.run(3, "documents", "import", list, "--files", m.files, "--refused", refused, "--dry-run")
	check(out, "%d would be imported, 0 would be updated, 0 unchanged, %d refused")
	m.complete(0)
	if _, stderr := m.run(1, "documents", "import", list, "--files", m.files, "--refused", refused); !strings.Contains(stderr, "is there already") {
		t.Errorf("a file of refused rows was overwritten: %s", stderr)
	}
	if err := os.Remove(refused); err != nil {
		t.Fatal(err)
	}
	out, _ = m.run(3, "documents", "import", list, "--files", m.files, "--refused", refused)
	check(out, "%d imported, 0 updated, 0 unchanged, %d refused")
	m.complete(int64(accepted))

	// Mended in their file, rows are imported from it.
	mended := strings.NewReplacer("missing.png", "good.png", uidB, uidA).Replace(m.read(refused))
	out, _ = m.imports(3, m.write("mended.ndjson", mended))
	if !strings.HasPrefix(out, "2 imported, 0 updated, 0 unchanged,") {
		t.Errorf("mended: %s", out)
	}
	m.complete(int64(accepted + 2))
}

func TestImportOfDocumentsKeepsTheLimitsOfAUser(t *testing.T) {
	t.Parallel()
	m := newDocumentMove(t, uidA, uidB)
	m.file("a.png", png(50))
	var rows []string
	for i := range 1003 {
		rows = append(rows, fmt.Sprintf(`{"id":"a%d","uid":%q,"doc_type":"Passport","doc_number":"1","path":"a.png"}`, i, uidA))
	}
	metadata := strings.Repeat("a", 60<<10-2)
	for i := range 20 { // 17 of 60 KiB are less than 1 MiB
		rows = append(rows, fmt.Sprintf(`{"id":"b%d","uid":%q,"doc_type":"Passport","doc_number":"1","path":"a.png","metadata":"\"%s\""}`, i, uidB, metadata))
	}
	list := m.list("list.ndjson", rows...)
	for _, args := range [][]string{{list, "--dry-run"}, {list}} {
		out, stderr := m.imports(3, args...)
		if !strings.HasPrefix(out, "1017 ") || !strings.Contains(out, " 6 refused") || !strings.Contains(stderr, "Too many documents") {
			t.Errorf("%v: %s%s", args, out, stderr)
		}
	}
	m.complete(1017)
	if n := m.count("SELECT count(*) FROM documents JOIN users ON users.id = user_id WHERE uid = '" + uidA + "'"); n != 1000 {
		t.Errorf("%d documents of one user", n)
	}
}

func TestImportOfDocumentsBringsWhatIsNewOrHasChanged(t *testing.T) {
	t.Parallel()
	m := newDocumentMove(t, uidA, uidB)
	m.file("a.png", png(50))
	m.file("b.png", png(60))
	row := func(id, uid, number, path, updated string) string {
		return fmt.Sprintf(`{"id":%q,"uid":%q,"doc_type":"Passport","doc_number":%q,"path":%q,"created_at":"2020-01-01T00:00:00Z","updated_at":"%sT00:00:00Z"}`, id, uid, number, path, updated)
	}
	m.imports(0, m.list("1.ndjson", row("1", uidA, "1", "a.png", "2020-01-01"), row("2", uidA, "2", "a.png", "2020-01-01")))
	ids := m.count("SELECT sum(id) FROM documents")
	out, _ := m.imports(0, m.list("2.ndjson",
		row("1", uidA, "1", "a.png", "2020-01-01"), row("2", uidA, "22", "b.png", "2020-02-01"), row("3", uidB, "3", "a.png", "2020-01-01")))
	if !strings.HasPrefix(out, "1 imported, 1 updated, 1 unchanged, 0 refused") {
		t.Errorf("the summary is %s", out)
	}
	m.complete(3)
	if n := m.count("SELECT count(*) FROM documents WHERE doc_number = '22' AND size = 60 AND created_at = '2020-01-01Z' AND updated_at = '2020-02-01Z'"); n != 1 {
		t.Error("the changed document was not updated")
	}
	if n := m.count("SELECT sum(id) FROM documents WHERE doc_number IN ('1', '22')"); n != ids {
		t.Error("a document has another id")
	}

	// The same document for another user, the same document twice, and the same
	// id in another system.
	out, stderr := m.imports(3, m.list("3.ndjson",
		row("1", uidB, "1", "a.png", "2020-01-01"), row("4", uidA, "4", "a.png", "2020-01-01"), row("4", uidA, "4", "a.png", "2020-01-01"),
		row("5", uidA, "5", "a.png", "2020-01-01"), row("5", uidA, "55", "a.png", "2020-01-02")))
	if !strings.HasPrefix(out, "2 imported, 1 updated, 1 unchanged, 1 refused") || !strings.Contains(stderr, "Document belongs to another user") {
		t.Errorf("the summary is %s%s", out, stderr)
	}
	m.complete(5)
	m.imports(0, "--source", "other", m.list("4.ndjson", row("1", uidB, "1", "a.png", "2020-01-01")))
	m.complete(6)

	// A user who is deleted takes the memory of the documents along.
	m.count("WITH gone AS (DELETE FROM users WHERE uid = '" + uidB + "' RETURNING 1) SELECT count(*) FROM gone")
	if documents, remembered := m.count("SELECT count(*) FROM documents"), m.count("SELECT count(*) FROM imported_documents"); documents != 4 || remembered != 4 {
		t.Errorf("%d documents, %d remembered", documents, remembered)
	}
}

func TestImportedDocumentsAreEncrypted(t *testing.T) {
	t.Parallel()
	m := newDocumentMove(t, uidA)
	m.settings["BARONG_DOCUMENTS_KEY"] = "base64key://smGbjm71Nxd1Ig5FS0wj9SlbzAIrnolCz9bQQ6uAhl4="
	content := png(200_000)
	m.file("a.png", content)
	m.imports(0, m.list("list.ndjson", `{"uid":"`+uidA+`","doc_type":"Passport","doc_number":"1","path":"a.png"}`))
	m.complete(1)
	if stored := m.read(filepath.Join(m.store, m.stored()[0])); bytes.Contains([]byte(stored), content[100:200]) {
		t.Error("the content is not encrypted")
	}
	if n := m.count("SELECT count(*) FROM documents WHERE wrapped_key IS NOT NULL AND size = 200000"); n != 1 {
		t.Error("the document has no key")
	}
}

func TestCommandLineOfImportOfDocuments(t *testing.T) {
	t.Parallel()
	m := newDocumentMove(t, uidA)
	list := m.list("list.ndjson", `{"uid":"`+uidA+`","doc_type":"Passport","doc_number":"1","path":"a.png"}`)
	for _, args := range [][]string{
		{}, {list, "--from", "mysql://x"}, {list, "--workers", "0"}, {list, "--workers", "257"}, {m.write("list.csv", "")},
	} {
		m.imports(2, args...)
	}
	m.run(2, "documents", "import", list)
	for location, want := range map[string]string{
		filepath.Join(m.dir, "nowhere"): "--files: the store cannot be opened", "ftp://host": "--files: no store goes by a URL that begins so",
	} {
		if _, stderr := m.run(1, "documents", "import", list, "--files", location); !strings.Contains(stderr, want) {
			t.Errorf("%s: %s", location, stderr)
		}
	}
	var rows []string
	for i := range 200 {
		rows = append(rows, fmt.Sprintf(`{"uid":%q,"doc_type":"Passport","doc_number":"1","path":"%d.png"}`, uidA, i))
	}
	if _, stderr := m.imports(1, m.list("missing.ndjson", rows...)); !strings.Contains(stderr, "none of the first 100 files is there") {
		t.Errorf("without any file: %s", stderr)
	}
}

func TestImportOfDocumentsThatIsKilledGoesOn(t *testing.T) {
	long.Test(t)
	t.Parallel()
	const users, perUser = 30, 100
	var uids []string
	for i := range users {
		uids = append(uids, fmt.Sprintf("IDKILL%04d", i))
	}
	m := newDocumentMove(t, uids...)
	m.settings["BARONG_DOCUMENTS_KEY"] = "base64key://smGbjm71Nxd1Ig5FS0wj9SlbzAIrnolCz9bQQ6uAhl4="
	var rows []string
	for i := range users * perUser {
		path := fmt.Sprintf("uploads/document/upload/%d/scan.png", i)
		m.file(path, png(10_000+i))
		rows = append(rows, fmt.Sprintf(`{"id":"%d","uid":%q,"doc_type":"Passport","doc_number":"%d","path":%q}`, i, uids[i%users], i, path))
	}
	list := m.list("list.ndjson", rows...)
	var before int64
	killed := 0
	for run := 0; run < 10 && before < users*perUser/2; run++ {
		c := command(t, m.settings, "documents", "import", list, "--files", m.files, "--refused", filepath.Join(m.dir, "refused"), "--workers", "8")
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		// Some are killed after the first files of a run, and the others after some of its rows:
		// at places and not times, so that a fast machine is killed as often as a slow one.
		files := len(m.stored())
		goesOn := func() bool { return len(m.stored()) > files }
		if run%3 > 0 {
			goal := before + rand.Int64N(users*perUser/20)
			goesOn = func() bool { return m.count("SELECT count(*) FROM documents") > goal }
		}
		ended := make(chan error, 1)
		go func() { ended <- c.Wait() }()
		until(t, time.Minute, "gone on", func() bool { return goesOn() || len(ended) > 0 })
		time.Sleep(rand.N(20 * time.Millisecond))
		_ = c.Process.Signal(syscall.SIGKILL)
		if <-ended != nil {
			killed++
		}
		now := m.count("SELECT count(*) FROM documents")
		if now < before {
			t.Fatalf("%d documents became %d", before, now)
		}
		before = now
		m.run(0, "documents", "verify", "--read") // each row has its file
	}
	t.Logf("%d runs were killed, after which %d of %d documents were here", killed, before, len(rows))
	if killed < 5 || before == 0 {
		t.Fatal("hardly a run was killed in the middle")
	}
	m.imports(0, list)
	if n := m.count("SELECT count(*) FROM documents"); n != users*perUser {
		t.Errorf("%d documents of %d", n, users*perUser)
	}
	if n := m.count("SELECT count(DISTINCT doc_number) FROM documents WHERE size = 10000 + doc_number::bigint"); n != users*perUser {
		t.Errorf("%d different documents of %d", n, users*perUser)
	}
	m.run(0, "documents", "verify", "--read")
	// What the kills left is what sweep finds.
	old := time.Now().Add(-2 * time.Hour)
	for _, name := range m.stored() {
		if err := os.Chtimes(filepath.Join(m.store, name), old, old); err != nil {
			t.Fatal(err)
		}
	}
	m.run(0, "documents", "sweep", "--delete", "--yes")
	m.complete(users * perUser)
}

// importMemory is what an import may take while 8 documents of 10 MiB are copied
// at once, in bytes: three times the documents.
const importMemory = 256 << 20

func TestImportOfLargeDocumentsStaysWithinItsMemory(t *testing.T) {
	long.Test(t)
	if _, err := os.Stat("/proc/self/status"); err != nil {
		t.Skip("the memory of a process is read from /proc, which this system does not have")
	}
	t.Parallel()
	m := newDocumentMove(t, uidA)
	m.file("a.png", png(10<<20))
	var rows []string
	metadata := strings.Repeat("a", 40_000)
	for i := range 300 {
		row := fmt.Sprintf(`{"id":"%d","uid":%q,"doc_type":"Passport","doc_number":"1","path":"a.png"`, i, uidA)
		if i < 20 {
			row += `,"metadata":"\"` + metadata + `\""`
		}
		rows = append(rows, row+"}")
	}
	for i := range 20_000 { // refused
		rows = append(rows, fmt.Sprintf(`{"id":"n%d","uid":%q,"doc_type":"Passport","doc_number":"1","path":"a.png","metadata":"\"%s\""}`, i, uidB, metadata[:1000]))
	}
	c := command(t, m.settings, "documents", "import", m.list("list.ndjson", rows...), "--files", m.files, "--refused", filepath.Join(m.dir, "refused"))
	var stderr bytes.Buffer
	c.Stderr = &stderr
	peak := runMeasured(t, c)
	if peak == 0 || c.ProcessState.ExitCode() != 3 {
		t.Fatalf("the import ended with %d: %s", c.ProcessState.ExitCode(), stderr.String())
	}
	t.Logf("300 documents of 10 MiB: at most %d MiB", peak>>20)
	if limit := ofBinary(importMemory); peak > limit {
		t.Errorf("the import took %d MiB, more than %d", peak>>20, limit>>20)
	}
	m.complete(300)
}
