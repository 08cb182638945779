package tests

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	sdk "barong/clients/go"
	sdkapi "barong/clients/go/api"
)

const stampedVersion = "7.8.9-test"

// stamped is barong with a version of its own, as built from an archive.
func stamped(t *testing.T) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "barong")
	build := exec.Command("go", "build", "-trimpath", "-o", path, "-ldflags", "-X barong/internal/version.stamped=v"+stampedVersion, ".")
	build.Dir = ".."                                  // the module of the server
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // as the other binary of the tests is built, so that nothing is compiled again
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	return path
}

// The same version everywhere: who reports a fault, and who looks at a log, a metric or
// a request of old clients, mean the same.
func TestVersionOfTheProductIsToldWhereverItMatters(t *testing.T) {
	t.Parallel()
	program := stamped(t)
	settings := map[string]string{"BARONG_DATA_DIR": t.TempDir(), "DATABASE_URL": newDatabase(t)}
	for _, argument := range []string{"version"} {
		output, err := exec.Command(program, argument).Output()
		if err != nil || !strings.HasPrefix(string(output), "barong "+stampedVersion+" (management API 2.3.38, go1.") {
			t.Errorf("%s: %s %v", argument, output, err)
		}
	}

	server := command(t, settings, "serve")
	server.Path = program
	p := serveBy(t, server)
	if got := p.log.String(); !regexp.MustCompile(`"msg":"serving","version":"` + stampedVersion + `"`).MatchString(got) {
		t.Errorf("the log: %s", got)
	}
	response, err := http.Get("http://" + p.admin + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	if got := read(t, response); !regexp.MustCompile(`barong_build_info\{[^}]*version="` + stampedVersion + `"`).Match(got.body) {
		t.Error("barong_build_info has no version")
	}
	p.signal(syscall.SIGTERM)
	p.stops()

	asked, agent := noteUserAgents(t)
	call := exec.Command(program, "call", "getTimestamp")
	call.Env = []string{"BARONG_URL=" + asked.URL, "BARONG_DATA_DIR=" + settings["BARONG_DATA_DIR"]}
	if output, err := call.CombinedOutput(); err != nil || agent.Load() != "barong-cli/"+stampedVersion {
		t.Errorf("the command line calls itself %q: %v %s", agent.Load(), err, output)
	}
	health := exec.Command(program, "health", "--address", strings.TrimPrefix(asked.URL, "http://"))
	if _ = health.Run(); agent.Load() != "barong-cli/"+stampedVersion {
		t.Errorf("health calls itself %q", agent.Load())
	}
}

func TestGoClientSaysWhichVersionItIsUnlessItsCallerDoes(t *testing.T) {
	t.Parallel()
	asked, agent := noteUserAgents(t)
	signing := sdk.Envelope(backend().signer)
	own := sdk.WithRequestEditor(func(_ context.Context, request *http.Request) error {
		request.Header.Set("User-Agent", "backend/2")
		return nil
	})
	for want, options := range map[string][]sdk.Option{`^barong-go/\d+\.\d+\.\d+\S*$`: nil, `^backend/2$`: {own}} {
		c, err := sdk.New(asked.URL, signing, options...)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.GetTimestampWithResponse(t.Context(), sdkapi.GetTimestampJSONRequestBody{}); err != nil || !regexp.MustCompile(want).MatchString(fmt.Sprint(agent.Load())) {
			t.Errorf("it calls itself %q (%v)", agent.Load(), err)
		}
	}
}

// noteUserAgents is a server that answers getTimestamp, and the last User-Agent that
// asked it.
func noteUserAgents(t *testing.T) (*httptest.Server, *atomic.Value) {
	t.Helper()
	agent := &atomic.Value{}
	asked := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		agent.Store(r.UserAgent())
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, `{"timestamp": 1}`)
	}))
	t.Cleanup(asked.Close)
	return asked, agent
}
