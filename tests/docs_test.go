package tests

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"barong/clients/go/signing"
	"barong/handlers"
	"barong/internal/server"
)

// plainly sends a request that openapi.yaml does not know.
func plainly(t *testing.T, method, url string) answer {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	return read(t, response)
}

func TestDocumentationIsServedUnlessItIsTurnedOff(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		docs   *server.Docs
		status int
	}{{"on", &server.Docs{}, http.StatusOK}, {"off", nil, http.StatusNotFound}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a := start(t, func(s *setup) { s.docs = c.docs })
			for _, path := range []string{"/docs", "/docs/scalar.js", "/docs/page.js", "/docs/page.css", "/docs/icon.svg", "/docs/openapi.yaml"} {
				got := plainly(t, http.MethodGet, a.root+path)
				if got.status != c.status {
					t.Errorf("%s answered %d", path, got.status)
				}
				if c.docs == nil {
					got.refused(t, http.StatusNotFound, "Route is not found")
				}
			}
			plainly(t, http.MethodGet, a.root+"/docs/other.js").refused(t, http.StatusNotFound, "Route is not found")
			if c.docs == nil {
				return
			}
			wrong := plainly(t, http.MethodPost, a.root+"/docs")
			if wrong.refused(t, http.StatusMethodNotAllowed, "Only POST and PUT verbs are allowed."); wrong.header.Get("Allow") != "GET, HEAD" {
				t.Errorf("Allow is %q", wrong.header.Get("Allow"))
			}
		})
	}
}

func TestServerDocumentsItselfUnlessToldNotTo(t *testing.T) {
	t.Parallel()
	url := newDatabase(t)
	for setting, want := range map[string]int{"": http.StatusOK, "false": http.StatusNotFound} {
		p := serve(t, map[string]string{"BARONG_DATA_DIR": t.TempDir(), "DATABASE_URL": url, "BARONG_DOCS": setting})
		if got := status(t, "http://"+p.public+"/docs"); got != want {
			t.Errorf("with BARONG_DOCS=%s, /docs answered %d", setting, got)
		}
	}
}

// askForToken asks for the token of the documentation as a browser does for a
// page; header and value come in turns, and an empty value leaves a header out.
func askForToken(t *testing.T, a *api, header ...string) answer {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.root+"/docs/token", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Sec-Fetch-Site", "same-origin")
	request.Header.Set("X-Docs-Key", docsKey)
	request.Header.Set("Origin", a.root)
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			request.Host = header[i+1]
		} else if request.Header.Set(header[i], header[i+1]); header[i+1] == "" {
			request.Header.Del(header[i])
		}
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	return read(t, response)
}

// docsKey is in the URL of the documentation that tests open.
const docsKey = "NurEinmal"

// ofBackend makes the tokens of the documentation.
func ofBackend(a **api) *server.Docs {
	return &server.Docs{Key: docsKey, Token: func() (string, time.Duration, error) {
		token, err := signing.Token(signing.NewClaims((*a).clock.Now(), time.Minute), backend().signer)
		return token, time.Minute, err
	}}
}

func TestTokenOfTheDocumentationIsGoodForOperations(t *testing.T) {
	t.Parallel()
	var a *api
	a = start(t, func(s *setup) { s.docs = ofBackend(&a) })
	if page := plainly(t, http.MethodGet, a.root+"/docs"); !strings.Contains(string(page.body), `data-token="/docs/token"`) {
		t.Errorf("the page does not know where its token is: %s", page.body)
	}
	key := docsKey
	for _, host := range []string{a.root, strings.Replace(a.root, "127.0.0.1", "localhost", 1), strings.Replace(a.root, "127.0.0.1", "[::1]", 1)} {
		got := askForToken(t, a, "Host", strings.TrimPrefix(host, "http://"), "Origin", host, "X-Docs-Key", key)
		if got.status != http.StatusOK || got.header.Get("Cache-Control") != "no-store" {
			t.Fatalf("%s answered %s, Cache-Control %q", host, got, got.header.Get("Cache-Control"))
		}
		var given struct {
			Token     string `json:"token"`
			ExpiresIn int    `json:"expires_in"`
			Key       string `json:"key"`
		}
		if err := json.Unmarshal(got.body, &given); err != nil || given.ExpiresIn != 60 {
			t.Fatalf("%s (%v)", got, err)
		}
		if key = given.Key; key == "" || key == docsKey {
			t.Errorf("the page has the key %q from now on", key)
		}
		if called := a.send("getTimestamp", "application/json", []byte("{}"), "Bearer "+given.Token); called.status != http.StatusCreated {
			t.Errorf("the token is refused: %s", called)
		}
	}
}

func TestTokenOfTheDocumentationIsForItsPageOnly(t *testing.T) {
	t.Parallel()
	var a *api
	a = start(t, func(s *setup) { s.docs = ofBackend(&a) })
	port := a.root[strings.LastIndex(a.root, ":"):]
	for what, header := range map[string][]string{
		"a page elsewhere":                    {"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"},
		"a page on another port":              {"Sec-Fetch-Site", "same-site", "Origin", "http://127.0.0.1:1"},
		"an address that somebody typed":      {"Sec-Fetch-Site", "none", "Origin", ""},
		"a program that is no browser":        {"Sec-Fetch-Site", "", "Origin", ""},
		"a name that was rebound to loopback": {"Host", "evil.example" + port, "Origin", "http://evil.example" + port},
		"a name like a loopback address":      {"Host", "127.0.0.1.evil.example" + port, "Origin", "http://127.0.0.1.evil.example" + port},
		"localhost in another domain":         {"Host", "localhost.evil.example", "Origin", "http://localhost.evil.example"},
		"another machine":                     {"Host", "192.0.2.1", "Origin", "http://192.0.2.1"},
		"a proxy that sets Host":              {"Origin", "https://barong.example"},
		"an opaque origin":                    {"Origin", "null"},
		"another origin that says it is ours": {"Sec-Fetch-Site", "cross-site"},
		"a program that knows the origin":     {"Sec-Fetch-Site", ""},
		"another listener of this machine":    {"Host", "127.0.0.1:1", "Origin", "http://127.0.0.1:1"},
		"a page without the key":              {"X-Docs-Key", ""},
		"a page with another key":             {"X-Docs-Key", docsKey + "s"},
		"a proxy on this machine":             {"X-Forwarded-For", "192.0.2.1"},
		"a proxy that tells the host":         {"X-Forwarded-Host", "barong.example"},
		"a proxy of RFC 7239":                 {"Forwarded", "for=192.0.2.1"},
		"a proxy of RFC 9110":                 {"Via", "1.1 proxy"},
		"a proxy that tells the address":      {"X-Real-IP", "192.0.2.1"},
	} {
		got := askForToken(t, a, header...)
		if got.refused(t, http.StatusNotFound, "Route is not found"); strings.Contains(string(got.body), "ey") {
			t.Errorf("%s got %s", what, got)
		}
	}
	read := plainly(t, http.MethodGet, a.root+"/docs/token")
	if read.refused(t, http.StatusMethodNotAllowed, "Only POST and PUT verbs are allowed."); read.header.Get("Allow") != "POST" {
		t.Errorf("Allow is %q", read.header.Get("Allow"))
	}
}

func TestURLOfTheDocumentationGivesATokenOnce(t *testing.T) {
	t.Parallel()
	var a *api
	a = start(t, func(s *setup) { s.docs = ofBackend(&a) })
	first := askForToken(t, a)
	if first.status != http.StatusOK {
		t.Fatal(first)
	}
	askForToken(t, a).refused(t, http.StatusNotFound, "Route is not found")
	own := first.object(t)["key"].(string)
	for range 2 { // the page goes on, and so does its tab when it is loaded again
		if again := askForToken(t, a, "X-Docs-Key", own); again.status != http.StatusOK || again.object(t)["key"] != own {
			t.Errorf("the page's own key: %s", again)
		}
	}
	a = start(t, func(s *setup) { s.docs = ofBackend(&a); s.docs.Key = "" })
	for _, key := range []string{"", docsKey} {
		askForToken(t, a, "X-Docs-Key", key).refused(t, http.StatusNotFound, "Route is not found")
	}
}

func TestServerWithAKeychainGivesNoTokens(t *testing.T) {
	t.Parallel()
	a := start(t)
	askForToken(t, a).refused(t, http.StatusNotFound, "Route is not found")
	if page := plainly(t, http.MethodGet, a.root+"/docs"); !strings.Contains(string(page.body), `data-token=""`) {
		t.Errorf("the page asks for a token: %s", page.body)
	}
}

func TestTokenThatCannotBeMadeIsAFaultOfOurs(t *testing.T) {
	t.Parallel()
	a := start(t, func(s *setup) {
		s.docs = &server.Docs{Key: docsKey, Token: func() (string, time.Duration, error) { return "", 0, errors.New("the key is gone") }}
	})
	askForToken(t, a).refused(t, http.StatusInternalServerError, "Internal server error")
}

func TestSpecificationIsWhereBarongHasIt(t *testing.T) {
	t.Parallel()
	a := start(t)
	path := a.root + handlers.BasePath + "/management.json"
	got := plainly(t, http.MethodGet, path)
	if got.status != http.StatusOK || got.header.Get("Content-Type") != "application/json" {
		t.Fatalf("answered %s as %q", got, got.header.Get("Content-Type"))
	}
	swagger := got.object(t)
	if swagger["swagger"] != "2.0" || swagger["basePath"] != handlers.BasePath || swagger["paths"].(map[string]any)["/users/list"] == nil {
		t.Errorf("the document begins %.300s", got.body)
	}
	posted := plainly(t, http.MethodPost, path)
	if posted.refused(t, http.StatusMethodNotAllowed, "Only POST and PUT verbs are allowed."); posted.header.Get("Allow") != "GET, HEAD" {
		t.Errorf("Allow is %q", posted.header.Get("Allow"))
	}
}

func TestSpecificationForGeneratorsNamesThePublicURL(t *testing.T) {
	t.Parallel()
	a := start(t, func(s *setup) { s.publicURL = "https://barong.example" })
	got := plainly(t, http.MethodGet, a.root+"/openapi.client.json")
	if got.status != http.StatusOK || got.header.Get("Content-Type") != "application/json" {
		t.Fatalf("answered %s as %q", got, got.header.Get("Content-Type"))
	}
	if servers := got.object(t)["servers"].([]any); len(servers) != 1 || servers[0].(map[string]any)["url"] != "https://barong.example/api/v2/management" {
		t.Errorf("the servers are %v", servers)
	}
	if swagger := plainly(t, http.MethodGet, a.url+"/management.json").object(t); swagger["host"] != "barong.example" || swagger["basePath"] != handlers.BasePath {
		t.Errorf("Swagger 2.0 has the host %v", swagger["host"])
	}
}

func TestSpecificationIsCompressedForThoseWhoTakeIt(t *testing.T) {
	t.Parallel()
	a := start(t, func(s *setup) { s.docs = &server.Docs{} })
	for _, path := range []string{"/openapi.yaml", "/openapi.json", "/openapi.client.json", "/api/v2/management/management.json", "/docs/openapi.yaml", "/docs/page.js", "/docs/page.css"} {
		sizes := map[string]int{}
		var contents []string
		for _, coding := range []string{"identity", "gzip"} {
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, a.root+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Accept-Encoding", coding) // so that Go does not unpack it by itself
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			got := read(t, response)
			sizes[coding] = len(got.body)
			content := got.body
			if coding == "gzip" {
				if got.header.Get("Content-Encoding") != "gzip" || !strings.Contains(strings.Join(got.header.Values("Vary"), ","), "Accept-Encoding") {
					t.Errorf("%s: Content-Encoding %q, Vary %q", path, got.header.Get("Content-Encoding"), got.header.Values("Vary"))
					continue
				}
				unpacked, err := gzip.NewReader(bytes.NewReader(got.body))
				if err == nil {
					content, err = io.ReadAll(unpacked)
				}
				if err != nil {
					t.Errorf("%s: %v", path, err)
				}
			}
			contents = append(contents, string(content))
		}
		if len(contents) == 2 && (contents[0] != contents[1] || sizes["gzip"] > sizes["identity"]*2/3) {
			t.Errorf("%s: %v bytes; the same content: %t", path, sizes, contents[0] == contents[1])
		}
	}
}

// Guards that the page says which labels give which level and state by the rules of this server.
func TestThePageHasTheRulesOfTheServer(t *testing.T) {
	t.Parallel()
	rules := filepath.Join(t.TempDir(), "barong.yml")
	if err := os.WriteFile(rules, []byte("levels: [{key: tier, value: gold}]\nstate_triggers: {frozen: [freeze]}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := serve(t, map[string]string{"BARONG_CONFIG": rules, "BARONG_DATA_DIR": t.TempDir(), "DATABASE_URL": newDatabase(t)})
	response, err := http.Get("http://" + p.public + "/docs/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	got := read(t, response)
	for _, want := range []string{"| 1 | `tier`: `gold` |", "| `frozen` | a private label has the key `freeze`, with any value |", "barong users show UID"} {
		if !strings.Contains(string(got.body), want) {
			t.Errorf("the page has no %s", want)
		}
	}
}
