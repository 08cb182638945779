package tests

import (
	"encoding/json"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"barong/internal/auth"
	"barong/internal/server"
	"barong/internal/spec"
)

// textLog is the environment of a server whose log a person reads.
func textLog(t *testing.T, more map[string]string) map[string]string {
	t.Helper()
	settings := map[string]string{"BARONG_DATA_DIR": filepath.Join(t.TempDir(), "where it's kept"), "DATABASE_URL": newDatabase(t), "BARONG_LOG_FORMAT": "text"}
	for name, value := range more {
		settings[name] = value
	}
	return settings
}

func TestStartSaysWhereToGoAndItsCommandWorksAsItStands(t *testing.T) {
	t.Parallel()
	p := serve(t, textLog(t, nil))
	for what, url := range map[string]string{
		"API": "http://" + p.public + "/api/v2/management", "docs": "http://" + p.public + "/docs", "admin": "http://" + p.admin + "/readyz",
	} {
		if !regexp.MustCompile(`(?m)^  ` + what + ` +` + regexp.QuoteMeta(url) + `\b`).MatchString(p.log.String()) {
			t.Errorf("the start does not say that %s is at %s\n%s", what, url, p.log)
		}
	}
	for _, url := range []string{"http://" + p.public + "/docs", "http://" + p.admin + "/readyz"} {
		if got := status(t, url); got != http.StatusOK {
			t.Errorf("%s answers %d", url, got)
		}
	}
	try := regexp.MustCompile(`(?m)^  try +(.+)$`).FindStringSubmatch(p.log.String())
	if try == nil {
		t.Fatalf("no command in\n%s", p.log)
	}
	shell := exec.Command("sh", "-c", try[1])
	shell.Env = []string{"PATH=/usr/bin:/bin"}
	if output, err := shell.CombinedOutput(); err != nil || strings.TrimSpace(string(output)) != "[]" {
		t.Errorf("%s: %v %s", try[1], err, output)
	}
	p.signal(syscall.SIGTERM)
	p.stops()
}

func TestStartDoesNotSendAnybodyToDocsThatAreOff(t *testing.T) {
	t.Parallel()
	p := serve(t, textLog(t, map[string]string{"BARONG_DOCS": "false"}))
	if strings.Contains(p.log.String(), "/docs") {
		t.Errorf("%s", p.log)
	}
}

func TestBrowserThatOpensTheAddressAloneIsLedToTheDocs(t *testing.T) {
	t.Parallel()
	on, off := start(t, func(s *setup) { s.docs = &server.Docs{} }), start(t, func(s *setup) { s.docs = nil })
	const browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
	ask := func(method, url, accept string) answer {
		request, err := http.NewRequestWithContext(t.Context(), method, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Accept", accept)
		response, err := http.DefaultTransport.RoundTrip(request) // which follows nothing
		if err != nil {
			t.Fatal(err)
		}
		if response.StatusCode == http.StatusFound {
			response.Body.Close()
			return answer{status: response.StatusCode, header: response.Header}
		}
		return read(t, response)
	}
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		if got := ask(method, on.root+"/", browser); got.status != http.StatusFound || got.header.Get("Location") != "/docs" || got.header.Get("Vary") != "Accept" {
			t.Errorf("%s: %s to %q", method, got, got.header.Get("Location"))
		}
	}
	ask(http.MethodGet, off.root+"/", browser).refused(t, http.StatusNotFound, "Route is not found")
	for _, accept := range []string{"", "*/*", "application/json"} {
		ask(http.MethodGet, on.root+"/", accept).refused(t, http.StatusNotFound, "Route is not found")
	}
	ask(http.MethodPost, on.root+"/", browser).refused(t, http.StatusNotFound, "Route is not found")
	ask(http.MethodGet, on.root+"/other", browser).refused(t, http.StatusNotFound, "Route is not found")
}

func TestPortThatIsTakenSaysWhatToDo(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, c := range []struct{ setting, address, advice string }{
		{"BARONG_LISTEN", taken.Addr().String(), "another program, perhaps another barong serve, listens there. Stop it, or choose another port, as BARONG_LISTEN=127.0.0.1:8081"},
		{"BARONG_ADMIN_LISTEN", taken.Addr().String(), "another program, perhaps another barong serve, listens there. Stop it, or choose another port, as BARONG_ADMIN_LISTEN=127.0.0.1:9081"},
		{"BARONG_ADMIN_LISTEN", "192.0.2.1:9080", "this machine does not have that address. Choose one that it has, as BARONG_ADMIN_LISTEN=127.0.0.1:9081"},
	} {
		_, stderr, exit := barong(t, map[string]string{"BARONG_DATA_DIR": t.TempDir(), "DATABASE_URL": "postgres://127.0.0.1:1/x", c.setting: c.address}, "serve")
		if exit != 1 || !strings.Contains(stderr, c.setting+": listen tcp "+c.address) || !strings.Contains(stderr, c.advice) {
			t.Errorf("%s=%s: %d %s", c.setting, c.address, exit, stderr)
		}
	}
}

// Nobody can tell 30000000000 from another unit.
func TestLogOfJSONHasNoNanoseconds(t *testing.T) {
	t.Parallel()
	p := serve(t, map[string]string{"BARONG_DATA_DIR": t.TempDir(), "BARONG_DRAIN_DELAY": "10ms"})
	p.signal(syscall.SIGTERM)
	p.stops()
	spans := map[string]string{}
	for line := range strings.Lines(p.log.String()) {
		var entry map[string]any
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatal(err)
		}
		for name, value := range entry {
			if number, ok := value.(float64); ok && number >= 1e6 {
				t.Errorf("%s is %.0f in %s", name, number, line)
			}
			if text, ok := value.(string); ok {
				spans[name] = text
			}
		}
	}
	if spans["at_most"] != "30s" || spans["delay"] != "10ms" || !regexp.MustCompile(`^\d.*s$`).MatchString(spans["took"]) {
		t.Errorf("at_most %q, delay %q, took %q\n%s", spans["at_most"], spans["delay"], spans["took"], p.log)
	}
}

func TestASecondKeygenOfTheSameNameSaysWhatToDo(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	out, stderr, exit := inFolder(t, folder, nil, "keygen", "backend")
	if exit != 0 || !strings.Contains(out, "algorithm: RS256") || !strings.Contains(stderr, "backend.pem") || !strings.Contains(stderr, "keychain") {
		t.Fatalf("%d %s%s", exit, out, stderr)
	}
	out, stderr, exit = inFolder(t, folder, nil, "keygen", "backend")
	if exit != 1 || out != "" || !strings.Contains(stderr, "backend.pem already exists") || !strings.Contains(stderr, "--out") {
		t.Errorf("%d %s%s", exit, out, stderr)
	}
}

func TestKeygenMakesAWholeKeychainFileThatAServerTakes(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	out, stderr, exit := inFolder(t, folder, nil, "keygen", "--keychain", "backend", "auditor", "--algorithm", "ES256")
	if exit != 0 || out != "" || !strings.Contains(stderr, "BARONG_MANAGEMENT_API="+filepath.Join(folder, "management_api.yml")) || !strings.Contains(stderr, "signed by all") {
		t.Fatalf("%d %s%s", exit, out, stderr)
	}
	before := left(t, folder)
	for _, args := range [][]string{{"keygen", "--keychain", "third"}, {"keygen", "--keychain", "third", "backend", "--keychain-file", "other.yml"}, {"keygen", "third", "third"}} {
		if _, stderr, exit := inFolder(t, folder, nil, args...); exit != 1 || !strings.Contains(stderr, "already exists") && !strings.Contains(stderr, "named twice") {
			t.Errorf("%v: %d %s", args, exit, stderr)
		}
	}
	if after := left(t, folder); len(after) != len(before) {
		t.Errorf("what failed left %v", after)
	}

	p := serve(t, map[string]string{"BARONG_DATA_DIR": t.TempDir(), "DATABASE_URL": newDatabase(t), "BARONG_MANAGEMENT_API": filepath.Join(folder, "management_api.yml")})
	settings := map[string]string{"BARONG_URL": "http://" + p.public}
	signers := []string{"--signer", "backend=ES256:" + filepath.Join(folder, "backend.pem"), "--signer", "auditor=ES256:" + filepath.Join(folder, "auditor.pem")}
	for operation := range spec.Operations(document) {
		// Without parameters only one succeeds; a signature that is not enough is told before.
		out, stderr, _ := barong(t, settings, append([]string{"call", operation.OperationID}, signers...)...)
		if text := out + stderr; strings.Contains(text, "JWT") || strings.Contains(text, "signatures") {
			t.Errorf("%s: %s", operation.OperationID, text)
		}
	}
	if out, _, _ := barong(t, settings, "call", "getTimestamp", signers[0], signers[1]); !strings.Contains(out, "Not enough signatures") {
		t.Errorf("one of two: %s", out)
	}
}

func TestNamesOfSignersAreQuotedWhereYAMLReadsAnotherThing(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"yes", "12", "a b", "o'neil", "1.5", "null", "a: b", "#x", "~"} {
		folder := t.TempDir()
		if _, stderr, exit := inFolder(t, folder, nil, "keygen", "--keychain", name, "--out", "key.pem", "--algorithm", "EdDSA"); exit != 0 {
			t.Fatalf("%q: %s", name, stderr)
		}
		content, err := os.ReadFile(filepath.Join(folder, "management_api.yml"))
		if err != nil {
			t.Fatal(err)
		}
		keychain, err := auth.ParseKeychain(content, os.Getenv)
		if err != nil || !keychain.Knows(name) {
			t.Errorf("%q: %v\n%s", name, err, content)
		}
	}
}
