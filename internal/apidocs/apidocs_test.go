package apidocs

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"

	"barong/clients/go/api"

	"github.com/andybalholm/brotli"
)

// specification returns openapi.yaml.
func specification(t *testing.T) []byte {
	t.Helper()
	content, err := os.ReadFile("../../openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func served(t *testing.T) map[string]http.Handler {
	t.Helper()
	handlers, err := Handlers(specification(t), "/docs/token", "")
	if err != nil {
		t.Fatal(err)
	}
	return handlers
}

func get(t *testing.T, path string, header ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	served(t)[path].ServeHTTP(w, r)
	return w.Result()
}

func text(t *testing.T, answer *http.Response) string {
	t.Helper()
	content, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func TestScalarIsTheFileThatWasPublished(t *testing.T) {
	t.Parallel()
	zipped, err := gzip.NewReader(bytes.NewReader(scalarGzip))
	if err != nil {
		t.Fatal(err)
	}
	for coding, content := range map[string]io.Reader{"gzip": zipped, "brotli": brotli.NewReader(bytes.NewReader(scalarBrotli))} {
		digest := sha256.New()
		if _, err := io.Copy(digest, content); err != nil {
			t.Fatal(err)
		}
		if got := hex.EncodeToString(digest.Sum(nil)); got != scalarSHA256 {
			t.Errorf("standalone.js of version %s, in %s, has the digest %s, and not %s", ScalarVersion, coding, got, scalarSHA256)
		}
	}
}

func TestMakefileFetchesTheVersionThatIsServed(t *testing.T) {
	t.Parallel()
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"@scalar/api-reference@" + ScalarVersion + "\n", scalarSHA256 + "\n"} {
		if !strings.Contains(string(makefile), want) {
			t.Errorf("the Makefile lacks %s", want)
		}
	}
}

func TestPageLoadsNothingButItsOwnFiles(t *testing.T) {
	t.Parallel()
	page := text(t, get(t, Path))
	loaded := regexp.MustCompile(`(?:src|href)="([^"]*)"`).FindAllStringSubmatch(page, -1)
	if len(loaded) < len(files) {
		t.Errorf("the page loads %v only", loaded)
	}
	for _, match := range loaded {
		if served(t)[match[1]] == nil && match[1] != "/openapi.yaml" {
			t.Errorf("the page loads %s, which is not served", match[1])
		}
	}
	for _, foreign := range []string{"http:", "https:", `"//`} {
		if strings.Contains(page, foreign) {
			t.Errorf("the page names another server: %s", page)
		}
	}
}

func TestPolicyAllowsWhatCarriesTheNonceOfThisAnswer(t *testing.T) {
	t.Parallel()
	nonces := map[string]bool{}
	for range 2 {
		answer := get(t, Path)
		policy := answer.Header.Get("Content-Security-Policy")
		found := regexp.MustCompile(`script-src 'nonce-([A-Z2-7]{26})';`).FindStringSubmatch(policy)
		if found == nil {
			t.Fatalf("the policy has no nonce: %s", policy)
		}
		nonces[found[1]] = true
		for _, directive := range []string{
			"default-src 'none'", "style-src 'nonce-" + found[1] + "'", "connect-src 'self'", "img-src 'self' data:",
			"font-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
		} {
			if !strings.Contains(policy, directive) {
				t.Errorf("the policy lacks %s: %s", directive, policy)
			}
		}
		page := text(t, answer)
		for _, element := range regexp.MustCompile(`<(?:script|link rel="stylesheet")[^>]*>`).FindAllString(page, -1) {
			if !strings.Contains(element, `nonce="`+found[1]+`"`) {
				t.Errorf("%s has another nonce", element)
			}
		}
		if got := answer.Header.Get("Cache-Control"); got != "no-store" {
			t.Errorf("a page with a nonce has Cache-Control %q", got)
		}
	}
	if len(nonces) != 2 {
		t.Error("two answers have one nonce")
	}
}

func TestFilesAreNotGuessedAtAndNotReferredFrom(t *testing.T) {
	t.Parallel()
	for path := range served(t) {
		header := get(t, path).Header
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cross-Origin-Resource-Policy": "same-origin",
		} {
			if got := header.Get(name); got != want {
				t.Errorf("%s: %s is %q", path, name, got)
			}
		}
	}
}

func TestFilesAreSentOnce(t *testing.T) {
	t.Parallel()
	for name := range files {
		first := get(t, Path+"/"+name, "Accept-Encoding", "gzip")
		tag := first.Header.Get("ETag")
		if tag == "" || first.Header.Get("Cache-Control") != "no-cache" {
			t.Errorf("%s: ETag %q, Cache-Control %q", name, tag, first.Header.Get("Cache-Control"))
		}
		again := get(t, Path+"/"+name, "Accept-Encoding", "gzip", "If-None-Match", tag)
		if again.StatusCode != http.StatusNotModified || text(t, again) != "" {
			t.Errorf("%s with its own ETag answered %d", name, again.StatusCode)
		}
	}
}

func TestScalarTravelsAsSmallAsTheReaderTakesIt(t *testing.T) {
	t.Parallel()
	if len(scalarBrotli) > len(scalarGzip)*4/5 {
		t.Errorf("brotli leaves %d of %d bytes", len(scalarBrotli), len(scalarGzip))
	}
	for accepted, want := range map[string]string{
		"gzip":                     "gzip",
		"gzip, deflate, br, zstd":  "br",
		"br;q=0, GZIP;q=0.5":       "gzip",
		"BR;q=0.5, gzip":           "br",
		"gzip;q=0":                 "",
		"gzip; q=0.000, br; q=0.0": "",
		"identity":                 "",
		"":                         "",
		"x-gzip-like, brotli":      "",
	} {
		answer := get(t, Path+"/scalar.js", "Accept-Encoding", accepted)
		body := text(t, answer)
		if got := answer.Header.Get("Content-Encoding"); got != want {
			t.Errorf("%q: Content-Encoding is %q, want %q", accepted, got, want)
		}
		if whole := map[string]string{"br": string(scalarBrotli), "gzip": string(scalarGzip)}[want]; want != "" && body != whole || want == "" && !strings.HasPrefix(body, "(function()") {
			t.Errorf("%q: the body is another, %d bytes", accepted, len(body))
		}
		if answer.Header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("%q: Vary is %q", accepted, answer.Header.Get("Vary"))
		}
		if tag := answer.Header.Get("ETag"); want != "" && !strings.HasSuffix(tag, "-"+want+`"`) || want == "" && strings.Contains(tag, "-") {
			t.Errorf("%q: two forms share the ETag %s", accepted, tag)
		}
	}
}

func TestThePageIsReadableBeforeItsScriptHasArrived(t *testing.T) {
	t.Parallel()
	page := text(t, get(t, Path))
	for _, want := range []string{"<code>PUT /labels</code> <code>updateLabel</code>", "All labels of a user", "<code>user_uid</code> (required)", "Label key"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if got := strings.Count(page, "<article>"); got != len(api.Operations) {
		t.Errorf("the page has %d operations, of %d", got, len(api.Operations))
	}
	if script := strings.Index(page, "<script"); script < strings.Index(page, "</main>") {
		t.Error("a script comes before what there is to read")
	}
}
