//go:build browser

package tests

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"barong/handlers"
)

// browsers are the names under which Chromium and Chrome are installed.
var browsers = []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "headless-shell", "headless_shell"}

// browser is the first of them on PATH.
func browser(t *testing.T) string {
	t.Helper()
	for _, name := range browsers {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatalf("these tests need Chromium or Chrome on PATH, under one of the names %s", strings.Join(browsers, ", "))
	return ""
}

// step is something that is done in a tab, for its effect.
type step = chromedp.Action[chromedp.Void]

// tab is a page in a browser of the test's own, and what went wrong in it.
type tab struct {
	context.Context
	t      *testing.T
	origin string

	mutex    sync.Mutex
	requests []string // method and URL
	wrong    []string
}

// open starts a browser with a profile of its own. What it does unasked, as
// looking for updates, is turned off.
func open(t *testing.T, origin string) *tab {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(browser(t)), chromedp.UserDataDir(t.TempDir()), chromedp.WindowSize(1400, 900),
		chromedp.NoSandbox, chromedp.DisableGPU, chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-dev-shm-usage", true),
	)
	allocated, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	// What the browser says in a newer protocol than the library knows is of no interest.
	target, cancel := chromedp.NewContext(allocated, chromedp.WithErrorf(func(string, ...any) {}))
	t.Cleanup(cancel)
	b := &tab{Context: target, t: t, origin: origin}
	if err := chromedp.Listen(target, b.listen); err != nil {
		t.Fatalf("the browser does not start: %v", err)
	}
	_, err := chromedp.Call(target, network.Enable, network.EnableParams{})
	if err == nil {
		_, err = chromedp.Call(target, log.Enable, cdp.Empty{})
	}
	if err == nil {
		_, err = chromedp.Call(target, runtime.AddBinding, runtime.AddBindingParams{Name: violated})
	}
	if err == nil {
		_, err = chromedp.Call(target, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: watchPolicy})
	}
	if err != nil {
		t.Fatalf("the browser cannot be watched: %v", err)
	}
	return b
}

// violated is the function by which a page tells that its policy was broken.
const violated = "barongViolated"

// watchPolicy reports all that the policy stopped; of some of it, the console
// has no word.
const watchPolicy = `addEventListener('securitypolicyviolation', e => ` + violated + `(e.effectiveDirective + ' forbids ' + (e.blockedURI || e.sample)))`

// listen notes every request, and all that a page should not do.
func (b *tab) listen(event any) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	switch event := event.(type) {
	case *network.EventRequestWillBeSent:
		b.requests = append(b.requests, event.Request.Method+" "+event.Request.URL)
		if !strings.HasPrefix(event.Request.URL, b.origin+"/") && !strings.HasPrefix(event.Request.URL, "data:") {
			b.wrong = append(b.wrong, "asked another server: "+event.Request.URL)
		}
	case *log.EventEntryAdded: // of the browser: violations of a policy, failed requests
		if event.Entry.Level == log.EntryLevelError || event.Entry.Level == log.EntryLevelWarning {
			b.wrong = append(b.wrong, "the browser says: "+event.Entry.Text)
		}
	case *runtime.EventConsoleAPICalled: // of the page
		if event.Type == runtime.ConsoleAPICalledTypeError || event.Type == runtime.ConsoleAPICalledTypeWarning {
			text, _ := json.Marshal(event.Args)
			b.wrong = append(b.wrong, "the page says: "+string(text))
		}
	case *runtime.EventBindingCalled:
		b.wrong = append(b.wrong, "the policy "+event.Payload)
	case *runtime.EventExceptionThrown:
		b.wrong = append(b.wrong, "the page broke: "+event.ExceptionDetails.Text)
	}
}

// do takes steps, and fails the test where one does not come to its end.
func (b *tab) do(what string, steps ...step) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b, 30*time.Second)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.t.Fatalf("%s: %v\n%s", what, err, strings.Join(b.complaints(), "\n"))
	}
}

func (b *tab) complaints() []string {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.wrong
}

// asked counts the requests with a method and a path.
func (b *tab) asked(request string) int {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	method, path, _ := strings.Cut(request, " ")
	count := 0
	for _, each := range b.requests {
		if each == method+" "+b.origin+path {
			count++
		}
	}
	return count
}

// shows waits until a text is on the page.
func shows(text string) step {
	return func(ctx context.Context, target *chromedp.Target) (chromedp.Void, error) {
		quoted, _ := json.Marshal(text)
		for {
			shown, err := chromedp.Evaluate[bool](fmt.Sprintf("!!document.body?.innerText.includes(%s)", quoted))(ctx, target)
			if err != nil || shown {
				return chromedp.Void{}, err
			}
			select {
			case <-ctx.Done():
				return chromedp.Void{}, fmt.Errorf("%q is not shown: %w", text, ctx.Err())
			case <-time.After(50 * time.Millisecond):
			}
		}
	}
}

// press clicks the button that an XPath finds, once it is there.
func press(xpath string) step {
	return chromedp.Click(chromedp.Search(xpath), chromedp.NodeVisible)
}

func TestBrowserShowsTheDocumentationAndTriesAnOperation(t *testing.T) {
	p := serveAtTerminal(t, map[string]string{"BARONG_DATA_DIR": t.TempDir(), "DATABASE_URL": newDatabase(t)})
	origin, key := p.docsURL()
	b := open(t, origin)
	b.do("open the documentation", chromedp.Navigate(b.origin+"/docs#key="+key), shows("Barong Management API"))
	b.do("read the request forms", shows("1. Signed envelope."), shows("2. Bearer token and JSON."), shows("3. Bearer token and form."))
	b.do("read of paging and errors", shows("Per-Page"), shows("Not enough signatures for the action."), shows("urn:barong:error:invalid_record"))
	b.do("see where operations are", shows(b.origin+handlers.BasePath))

	// Another path, since a fragment alone opens no page.
	b.do("open an operation by its link", chromedp.Navigate("about:blank"),
		chromedp.Navigate(b.origin+"/docs#tag/users/POST/users/list"), shows("Returns the users as a collection"))
	b.do("try it", press(`(//button[contains(., 'Test Request') and contains(., '/users/list')])[1]`))
	b.do("send it", press(`(//button[contains(., 'Send post request')])[1]`))
	b.do("read the answer", shows("201 Created"))

	if b.asked("POST /docs/token") == 0 {
		t.Error("the page did not ask for a token")
	}
	if got := b.asked("POST /api/v2/management/users/list"); got != 1 {
		t.Errorf("the operation was called %d times", got)
	}
	for _, complaint := range b.complaints() {
		t.Error(complaint)
	}
}

// A page that breaks every rule shows that the test above would notice.
func TestBrowserNoticesWhatAPageMustNotDo(t *testing.T) {
	p := serve(t, map[string]string{"BARONG_DATA_DIR": t.TempDir(), "DATABASE_URL": newDatabase(t)})
	b := open(t, "http://"+p.public)
	b.do("open the documentation", chromedp.Navigate(b.origin+"/docs"), shows("Barong Management API"))
	for _, c := range []struct{ script, notice string }{
		{`console.error('something')`, "the page says"},
		{`throw new Error('something')`, "the page broke"},
		{`Function('')`, "the policy script-src forbids eval"},
		{`fetch('http://127.0.0.1:1/').catch(() => {})`, "the policy connect-src forbids http://127.0.0.1:1/"},
		{`document.body.insertAdjacentHTML('beforeend', '<style>a{}</style>')`, "the policy style-src-elem forbids inline"},
		{`location = 'http://127.0.0.1:1/'`, "asked another server: http://127.0.0.1:1/"},
	} {
		// Later, since what the test itself evaluates is above the policy.
		if _, err := chromedp.Run(b, chromedp.Evaluate[int]("setTimeout(() => { "+c.script+" })")); err != nil {
			t.Fatal(err)
		}
		var noticed []string
		eventually(t, c.notice+" after "+c.script, func() bool {
			noticed = append(noticed, b.complaints()...)
			return strings.Contains(strings.Join(noticed, "\n"), c.notice)
		})
	}
}
