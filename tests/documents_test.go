package tests

import (
	"bytes"
	"encoding/base64"
	"math/rand/v2"
	"mime"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"barong/internal/documents"
	"barong/internal/identity"
)

// openStore opens the store that the test wants, and a directory of the test's
// own where it wants none in particular.
func (a *api) openStore(o documents.Options) {
	a.t.Helper()
	a.files = filepath.Join(a.t.TempDir(), "documents")
	var err error
	if o.URL == "" {
		if o.URL, err = documents.DirectoryURL(a.files); err != nil {
			a.t.Fatal(err)
		}
	}
	if o.TTL == 0 {
		o.TTL = time.Minute
	}
	o.PublicURL, o.SigningKey, o.Clock = a.root, []byte("a key that only this test knows."), a.clock.Now
	if a.store, err = documents.Open(a.t.Context(), o); err != nil {
		a.t.Fatal(err)
	}
	a.t.Cleanup(func() { _ = a.store.Close() })
}

// png is a file of n bytes that no two calls give alike.
func png(n int) []byte {
	content := make([]byte, n)
	var seed [32]byte
	for i := range seed {
		seed[i] = byte(rand.Uint32())
	}
	_, _ = rand.NewChaCha8(seed).Read(content)
	copy(content, "\x89PNG\r\n\x1a\n")
	return content
}

func passport(uid string, content []byte) parameters {
	return parameters{
		"uid": uid, "doc_type": "Passport", "doc_number": "AB 123-123", "filename": "passport.png", "file_ext": "png",
		"upload": base64.StdEncoding.EncodeToString(content),
	}
}

func (p parametersOf) with(name string, value any) parameters {
	changed := parameters{}
	for name, value := range p {
		changed[name] = value
	}
	changed[name] = value
	return changed
}

type parametersOf parameters

// documents are those of a user, as getUser shows them.
func (a *api) documents(uid string) []map[string]any {
	a.t.Helper()
	var list []map[string]any
	for _, each := range a.must("getUser", parameters{"uid": uid}).object(a.t)["documents"].([]any) {
		list = append(list, each.(map[string]any))
	}
	return list
}

// fetch reads a URL that a browser would be given.
func fetch(t testing.TB, method, target string) answer {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, target, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	return read(t, response)
}

func (a *api) fileNames() []string {
	a.t.Helper()
	entries, err := os.ReadDir(a.files)
	if err != nil && !os.IsNotExist(err) {
		a.t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

func TestDocumentIsStoredAndReadBack(t *testing.T) {
	t.Parallel()
	inEachForm(t, func(t *testing.T, a *api, f form) {
		uid := a.must("importUser", ada).object(t)["uid"].(string)
		content := png(10 << 20)
		given := parametersOf(passport(uid, content)).with("metadata", `{"source":"back office"}`)
		given["doc_expire"] = "2126-04-01"
		got := a.call(f, "createDocument", given)
		user := got.object(t)
		if got.status != http.StatusCreated || user["uid"] != uid || user["profile"] == nil {
			t.Fatalf("answered %s", got)
		}
		if _, ok := user["documents"]; ok {
			t.Error("the answer is no UserWithProfile")
		}
		list := a.documents(uid)
		if len(list) != 1 {
			t.Fatalf("%d documents", len(list))
		}
		location := list[0]["upload"].(string)
		delete(list[0], "upload")
		now := a.clock.Now().Format("2006-01-02T15:04:05Z")
		if want := map[string]any{
			"doc_type": "Passport", "doc_number": "AB 123-123", "doc_expire": "2126-04-01", "metadata": `{"source":"back office"}`,
			"created_at": now, "updated_at": now,
		}; !reflect.DeepEqual(list[0], want) {
			t.Errorf("got  %v\nwant %v", list[0], want)
		}
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			read := fetch(t, method, location)
			if read.status != http.StatusOK || method == http.MethodGet && !bytes.Equal(read.body, content) || method == http.MethodHead && len(read.body) != 0 {
				t.Errorf("%s: %d, %d bytes", method, read.status, len(read.body))
			}
			for name, want := range map[string]string{
				"Content-Type": "image/png", "Content-Length": strconv.Itoa(len(content)), "Content-Disposition": `attachment; filename=passport.png`,
				"X-Content-Type-Options": "nosniff", "Cache-Control": "private, no-store", "Content-Security-Policy": "default-src 'none'; sandbox",
			} {
				if got := read.header.Get(name); got != want {
					t.Errorf("%s: %s is %q, want %q", method, name, got, want)
				}
			}
		}
	})
}

func TestEveryRuleOfADocumentIsReported(t *testing.T) {
	t.Parallel()
	inEachForm(t, func(t *testing.T, a *api, f form) {
		good := parametersOf(passport(a.user(nil), png(100)))
		uid := good["uid"].(string)
		for _, c := range []struct {
			name  string
			value any
			want  string
		}{
			{"upload", "?", "[Upload is invalid]"},
			{"upload", tenMiB() + "AAAA", "[Upload File size should be less than 10 MB]"},
			{"upload", base64.StdEncoding.EncodeToString([]byte("GIF89a")), "[Upload content does not match its extension]"},
			{"file_ext", "exe", `[Upload You are not allowed to upload "exe" files, allowed types: jpg, jpeg, png, pdf]`},
			{"doc_type", "Library card", "[Doc type is not included in the list]"},
			{"doc_expire", "2020-02-29", "[Doc expire is invalid]"},
			{"metadata", "{'a': 1}", "[Metadata data is not json compatible string]"},
			{"doc_number", "#1", "[Doc number only allows letters and digits]"},
			{"doc_number", strings.Repeat("1", 129), "[Doc number is too long (maximum is 128 characters)]"},
		} {
			a.call(f, "createDocument", good.with(c.name, c.value)).refused(t, http.StatusUnprocessableEntity, c.want)
		}
		a.call(f, "createDocument", parameters{
			"uid": uid, "doc_type": "x", "doc_number": strings.Repeat("#", 129), "filename": "x", "file_ext": "exe", "upload": "?",
			"doc_expire": "2020-02-29", "metadata": "x",
		}).refused(t, http.StatusUnprocessableEntity, "[Upload is invalid",
			`Upload You are not allowed to upload "exe" files, allowed types: jpg, jpeg, png, pdf`, "Doc type is not included in the list", "Doc expire is invalid",
			"Metadata data is not json compatible string", "Doc number only allows letters and digits", "Doc number is too long (maximum is 128 characters)]")
		a.call(f, "createDocument", good.with("upload", " ")).refused(t, http.StatusUnprocessableEntity, "upload is empty")
		a.call(f, "createDocument", good.with("filename", "a\x00.png")).refused(t, http.StatusUnprocessableEntity, "filename is invalid")
		a.call(f, "createDocument", parameters{
			"uid": "nobody", "doc_type": "x", "doc_number": "#", "filename": "x", "file_ext": "exe", "upload": "?",
		}).refused(t, http.StatusNotFound, "Record is not found")
		if names := a.fileNames(); len(names) != 0 || len(a.documents(uid)) != 0 {
			t.Errorf("refused uploads left %v", names)
		}
	})
}

func TestExpiryIsRequiredWhereThePolicySaysSo(t *testing.T) {
	t.Parallel()
	a := start(t, func(s *setup) { s.policy.RequireDocumentExpiry = true })
	good := parametersOf(passport(a.user(nil), png(100)))
	a.call(jsonForm, "createDocument", parameters(good)).refused(t, http.StatusUnprocessableEntity, "[Doc expire can't be blank]")
	a.must("createDocument", good.with("doc_expire", a.clock.Now().Format(time.DateOnly)))
}

func TestLabelFollowsDocumentsUnlessToldOtherwise(t *testing.T) {
	t.Parallel()
	a := start(t, func(s *setup) {
		s.policy.StateTriggers = []identity.Trigger{{State: "reviewed", Keys: []string{"document"}}}
		s.policy.Levels = []identity.Requirement{{Key: "document", Value: "pending"}}
	})
	for name, c := range map[string]struct {
		before string
		update any
		want   string
		level  float64
		state  string
	}{
		"no label":             {"", nil, "pending", 1, "reviewed"},
		"rejected":             {"rejected", true, "pending", 1, "reviewed"},
		"pending":              {"pending", true, "pending", 1, "reviewed"},
		"verified":             {"verified", true, "verified", 0, "reviewed"},
		"no label, no update":  {"", false, "", 0, "pending"},
		"rejected, no update":  {"rejected", "no", "rejected", 0, "reviewed"},
		"no label, update yes": {"", "yes", "pending", 1, "reviewed"},
	} {
		uid := a.user(nil)
		if c.before != "" {
			a.label(uid, "document", c.before)
		}
		// What users write themselves does not count.
		if _, err := a.pool.Exec(t.Context(), `INSERT INTO labels (user_id, key, value, scope, created_at, updated_at)
			SELECT id, 'document', 'verified', 'public', now(), now() FROM users WHERE uid = $1`, uid); err != nil {
			t.Fatal(err)
		}
		got := a.must("createDocument", parametersOf(passport(uid, png(100))).with("update_labels", c.update)).object(t)
		if got["level"] != c.level || got["state"] != c.state {
			t.Errorf("%s: answered level %v and state %v", name, got["level"], got["state"])
		}
		if level, state := a.standing(uid); float64(level) != c.level || state != c.state {
			t.Errorf("%s: level %d and state %s", name, level, state)
		}
		value := ""
		for _, label := range a.must("listLabels", parameters{"user_uid": uid}).list(t) {
			if label["scope"] == "private" {
				value += label["value"].(string)
			}
		}
		if value != c.want {
			t.Errorf("%s: the label says %q, want %q", name, value, c.want)
		}
	}
}

func TestNamesOfFilesAreNeverPaths(t *testing.T) {
	t.Parallel()
	a := start(t)
	uid := a.user(nil)
	names := []string{
		"../../etc/passwd", "/etc/passwd", `..\..\windows\system32`, "a/../../b.png", "file.png\r\nSet-Cookie: a=b", `"; filename="x.html`,
		"\u202Egnp.exe", strings.Repeat("x", 255), "con", ".", "..", "~root", "$(id)", "%2e%2e%2f", "ünïcode ☃.png", "a'b\"c<d>.png", "-rf",
	}
	for _, name := range names {
		for _, f := range forms {
			if got := a.call(f, "createDocument", parametersOf(passport(uid, png(100))).with("filename", name)); got.status != http.StatusCreated {
				t.Errorf("%q: %s", name, got)
			}
		}
	}
	if got := a.fileNames(); len(got) != len(forms)*len(names) {
		t.Errorf("%d files, want %d", len(got), len(forms)*len(names))
	}
	for _, name := range a.fileNames() {
		if len(name) != len("doc-")+26 || strings.Trim(name[4:], "abcdefghijklmnopqrstuvwxyz234567") != "" {
			t.Errorf("a file is called %q", name)
		}
	}
	if entries, err := os.ReadDir(filepath.Dir(a.files)); err != nil || len(entries) != 1 {
		t.Errorf("beside the store: %v %v", entries, err)
	}
	for i, document := range a.documents(uid) {
		got := fetch(t, http.MethodGet, document["upload"].(string))
		_, disposition, err := mime.ParseMediaType(got.header.Get("Content-Disposition"))
		if err != nil || got.header.Get("Set-Cookie") != "" || len(got.header) > 12 {
			t.Fatalf("%q: %v %v", names[i/3], err, got.header)
		}
		if name := disposition["filename"]; name == "" || len(name) > 200 || strings.ContainsAny(name, "/\\\r\n\"\u202E") || !strings.HasSuffix(name, ".png") {
			t.Errorf("%q is downloaded as %q", names[i/3], name)
		}
	}
}

func TestNothingIsReadWithoutAGoodSignature(t *testing.T) {
	t.Parallel()
	a := start(t)
	uid := a.user(nil)
	a.must("createDocument", passport(uid, png(1000)))
	a.must("createDocument", passport(uid, png(1000)))
	list := a.documents(uid)
	good, err := url.Parse(list[0]["upload"].(string))
	if err != nil {
		t.Fatal(err)
	}
	other, _ := url.Parse(list[1]["upload"].(string))
	later := strconv.FormatInt(a.clock.Now().Add(time.Hour).Unix(), 10)
	change := func(apply func(u *url.URL, q url.Values)) string {
		changed := *good
		query := changed.Query()
		apply(&changed, query)
		changed.RawQuery = query.Encode()
		return changed.String()
	}
	signature := good.Query().Get("signature")
	for name, target := range map[string]string{
		"no query":             change(func(_ *url.URL, q url.Values) { clear(q) }),
		"no signature":         change(func(_ *url.URL, q url.Values) { q.Del("signature") }),
		"no expiry":            change(func(_ *url.URL, q url.Values) { q.Del("expires") }),
		"later expiry":         change(func(_ *url.URL, q url.Values) { q.Set("expires", later) }),
		"expiry spelt so":      change(func(_ *url.URL, q url.Values) { q.Set("expires", "+"+q.Get("expires")) }),
		"signature cut":        change(func(_ *url.URL, q url.Values) { q.Set("signature", signature[:42]) }),
		"signature padded":     change(func(_ *url.URL, q url.Values) { q.Set("signature", signature+"=") }),
		"signature in capital": change(func(_ *url.URL, q url.Values) { q.Set("signature", strings.ToUpper(signature)) }),
		"signature empty":      change(func(_ *url.URL, q url.Values) { q.Set("signature", "") }),
		"another document":     change(func(u *url.URL, _ url.Values) { u.Path = other.Path }),
		"no such document":     change(func(u *url.URL, _ url.Values) { u.Path = "/documents/doc-aaaaaaaaaaaaaaaaaaaaaaaaaa" }),
		"a file outside":       change(func(u *url.URL, _ url.Values) { u.Path = "/documents/..%2f..%2fetc%2fpasswd" }),
	} {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			got := fetch(t, method, target)
			if got.status != http.StatusNotFound {
				t.Errorf("%s, %s: %d", name, method, got.status)
			}
			if method == http.MethodGet {
				got.refused(t, http.StatusNotFound, "Document is not found or its URL has expired")
			}
		}
	}
	for _, path := range []string{"/documents", "/documents/", "/documents/../documents/", "/documents/" + filepath.Base(good.Path) + "/"} {
		a.raw(http.MethodGet, a.root+path+"?"+good.RawQuery, "", "").refused(t, http.StatusNotFound, "Route is not found")
	}
	posted := a.raw(http.MethodPost, good.String(), "", "")
	if posted.refused(t, http.StatusMethodNotAllowed, "Only POST and PUT verbs are allowed."); posted.header.Get("Allow") != "GET, HEAD" {
		t.Errorf("Allow is %q", posted.header.Get("Allow"))
	}

	if got := fetch(t, http.MethodGet, good.String()); got.status != http.StatusOK {
		t.Errorf("the URL as it was given: %s", got)
	}
	a.clock.Advance(59 * time.Second)
	if got := fetch(t, http.MethodGet, good.String()); got.status != http.StatusOK {
		t.Errorf("after 59 seconds: %s", got)
	}
	a.clock.Advance(time.Second)
	fetch(t, http.MethodGet, good.String()).refused(t, http.StatusNotFound, "Document is not found or its URL has expired")
	for _, word := range []string{signature, "AB 123-123", "passport.png"} {
		if strings.Contains(a.log.String(), word) {
			t.Errorf("%q is in the log", word)
		}
	}
}

func TestDocumentsAreAnsweredOldestFirst(t *testing.T) {
	t.Parallel()
	a := start(t)
	uid, other := a.user(nil), a.user(nil)
	var want, got []string
	for i := range 5 {
		number := strconv.Itoa(i)
		a.must("createDocument", parametersOf(passport(uid, png(10))).with("doc_number", number))
		a.must("createDocument", passport(other, png(10)))
		want = append(want, number)
	}
	for _, document := range a.documents(uid) {
		got = append(got, document["doc_number"].(string))
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("documents come as %v", got)
	}
}

func TestFileWhoseRowFailsIsRemoved(t *testing.T) {
	t.Parallel()
	a := start(t)
	uid := a.user(nil)
	if _, err := a.pool.Exec(t.Context(), "ALTER TABLE documents ADD CONSTRAINT never CHECK (doc_number <> '13')"); err != nil {
		t.Fatal(err)
	}
	a.call(envelopeForm, "createDocument", parametersOf(passport(uid, png(100))).with("doc_number", "13")).
		refused(t, http.StatusInternalServerError, "Internal server error")
	if names := a.fileNames(); len(names) != 0 || len(a.documents(uid)) != 0 {
		t.Errorf("what failed left %v", names)
	}
	if labels := a.must("listLabels", parameters{"user_uid": uid}).list(t); len(labels) != 0 {
		t.Errorf("what failed left the labels %v", labels)
	}
}

func TestStoreThatIsGoneIsAnswered503(t *testing.T) {
	t.Parallel()
	a := start(t)
	uid := a.user(nil)
	a.must("createDocument", passport(uid, png(100)))
	location := a.documents(uid)[0]["upload"].(string)
	if err := os.Remove(filepath.Join(a.files, a.fileNames()[0])); err != nil {
		t.Fatal(err)
	}
	fetch(t, http.MethodGet, location).refused(t, http.StatusNotFound, "Document is not found or its URL has expired")
	if err := os.Remove(a.files); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(a.files, nil, 0o600); err != nil { // in the place of the directory
		t.Fatal(err)
	}
	got := a.call(jsonForm, "createDocument", passport(uid, png(100)))
	got.refused(t, http.StatusServiceUnavailable, "The document store is not available, try again later")
	if got.header.Get("Retry-After") == "" || len(a.documents(uid)) != 1 {
		t.Errorf("%v, %d documents", got.header, len(a.documents(uid)))
	}
}

func TestManyUploadsForOneUserGiveOneLabelAndEveryDocument(t *testing.T) {
	t.Parallel()
	a := start(t)
	uid := a.user(nil)
	answers := concurrently(func(i int) answer { return a.call(forms[i%3], "createDocument", passport(uid, png(1000))) })
	if created := count(answers, http.StatusCreated); created != clients {
		t.Errorf("%d of %d were stored: %v", created, clients, answers)
	}
	labels := a.must("listLabels", parameters{"user_uid": uid}).list(t)
	if len(a.documents(uid)) != clients || len(a.fileNames()) != clients || len(labels) != 1 {
		t.Errorf("%d documents, %d files, labels %v", len(a.documents(uid)), len(a.fileNames()), labels)
	}
}
