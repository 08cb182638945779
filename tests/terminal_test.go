package tests

import (
	"net/http"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/creack/pty"
)

// serveAtTerminal starts a server whose log a person reads.
func serveAtTerminal(t testing.TB, settings map[string]string) *process {
	t.Helper()
	screen, terminal, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = screen.Close() })
	c := command(t, settings, "serve")
	c.Stderr = terminal
	p := awaitReady(t, c, screen)
	_ = terminal.Close() // the server has it
	return p
}

var shownDocs = regexp.MustCompile(`(http://\S+)/docs#key=(\S+)`)

// docsURL is what the server has shown of its documentation: where it is, and the
// key in its URL.
func (p *process) docsURL() (origin, key string) {
	p.t.Helper()
	found := shownDocs.FindStringSubmatch(p.log.String())
	if found == nil {
		p.t.Fatalf("no URL of the documentation in\n%s", p.log)
	}
	return found[1], found[2]
}

func TestTerminalShowsTheURLOfTheDocumentationThatGivesATokenOnce(t *testing.T) {
	t.Parallel()
	p := serveAtTerminal(t, map[string]string{"BARONG_DATA_DIR": t.TempDir(), "DATABASE_URL": newDatabase(t)})
	origin, key := p.docsURL()
	for _, want := range []int{http.StatusOK, http.StatusNotFound} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, origin+"/docs/token", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Sec-Fetch-Site", "same-origin")
		request.Header.Set("Origin", origin)
		request.Header.Set("X-Docs-Key", key)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		if got := read(t, response); got.status != want {
			t.Errorf("the key is answered %s, and not %d", got, want)
		}
	}
	p.signal(syscall.SIGTERM)
	p.stops()
	if strings.Count(p.log.String(), key) != 1 {
		t.Errorf("the key is shown once and logged never: %s", p.log)
	}
}

func TestTerminalShowsNoURLOfADocumentationThatIsOff(t *testing.T) {
	t.Parallel()
	p := serveAtTerminal(t, map[string]string{"BARONG_DATA_DIR": t.TempDir(), "DATABASE_URL": newDatabase(t), "BARONG_DOCS": "false"})
	if strings.Contains(p.log.String(), "/docs") {
		t.Errorf("it says %s", p.log)
	}
}
