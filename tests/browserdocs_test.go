//go:build browser

package tests

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// axe is what looks for barriers to people with disabilities.
const axe = "axe-core@4.14.1"

// firstPaint is within which time something is to be read on a slow machine.
const firstPaint = 2 * time.Second

func docsTab(t *testing.T) *tab {
	t.Helper()
	p := serve(t, map[string]string{"BARONG_DATA_DIR": t.TempDir(), "DATABASE_URL": newDatabase(t)})
	return open(t, "http://"+p.public)
}

// evaluate is what a script gives, a promise awaited.
func evaluate[value any](b *tab, script string) value {
	b.t.Helper()
	found, err := chromedp.Run(b, chromedp.Evaluate[value](script, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatal(err)
	}
	return found
}

func TestBrowserPaintsTheOperationsBeforeTheScriptHasArrived(t *testing.T) {
	b := docsTab(t)
	_, err := chromedp.Call(b, network.SetBlockedURLs, network.SetBlockedURLsParams{URLPatterns: []*network.BlockPattern{{URLPattern: "*://*:*/docs/scalar.js", Block: true}}})
	if err != nil {
		t.Fatal(err)
	}
	b.do("open the documentation without its script", chromedp.Navigate(b.origin+"/docs"), shows("PUT /labels updateLabel"), chromedp.Sleep(time.Second), shows("All operations, under"))
	if serious := barriers(b); len(serious) > 0 {
		t.Errorf("axe finds on the page without its script: %s", serious)
	}
	_, _ = chromedp.Call(b, network.SetBlockedURLs, network.SetBlockedURLsParams{})

	painted := time.Hour
	for range 3 { // the fastest is that of the page, and the others are those of a busy machine
		b.do("open the documentation", chromedp.Navigate("about:blank"), chromedp.Navigate(b.origin+"/docs"), shows("Barong Management API"))
		painted = min(painted, time.Duration(evaluate[float64](b, `performance.getEntriesByName('first-contentful-paint')[0].startTime`)*float64(time.Millisecond)))
	}
	t.Logf("the first paint came after %s", painted)
	if painted > firstPaint {
		t.Errorf("the first paint came after %s, and not within %s", painted, firstPaint)
	}
}

func TestBrowserShowsIdsErrorsAndSamplesOfOperations(t *testing.T) {
	b := docsTab(t)
	b.do("open an operation", chromedp.Navigate(b.origin+"/docs#tag/labels/PUT/labels"), shows("Updates a label with 'private' scope."), shows("updateLabel"))
	b.do("see that it is protected", shows("label doesnt exist"))
	b.do("see its samples", press(`//section[contains(., "Updates a label with")]//button[contains(., 'Shell') and contains(., 'Curl')]`), shows("TypeScript"),
		press(`//*[@role='option' and contains(., 'Command line')]`), shows("barong call updateLabel"))
	if evaluate[bool](b, `document.body.innerText.includes('Auth Optional') || document.body.innerText.includes('Optional Authentication')`) {
		t.Error("the page says that authentication is optional")
	}
	for _, complaint := range b.complaints() {
		t.Error(complaint)
	}
}

func TestBrowserFindsNoBarrierOnThePage(t *testing.T) {
	b := docsTab(t)
	for _, scheme := range []string{"light", "dark"} {
		_, err := chromedp.Call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
		if err != nil {
			t.Fatal(err)
		}
		b.do("open the documentation", chromedp.Navigate("about:blank"), chromedp.Navigate(b.origin+"/docs"), shows("1. Signed envelope."))
		if serious := barriers(b); len(serious) > 0 {
			t.Errorf("axe finds in %s colours: %s", scheme, serious)
		}
		b.do("open an operation", chromedp.Navigate("about:blank"), chromedp.Navigate(b.origin+"/docs#tag/labels/PUT/labels"), shows("Updates a label with"), shows("Show Schema"))
		if serious := barriers(b); len(serious) > 0 {
			t.Errorf("axe finds at an operation in %s colours: %s", scheme, serious)
		}
	}
}

// barriers are the serious and critical findings of axe on the page, a line each.
func barriers(b *tab) (found []string) {
	b.t.Helper()
	if _, err := chromedp.Run(b, chromedp.Evaluate[bool](axeSource(b.t)+"; true")); err != nil {
		b.t.Fatal(err)
	}
	type finding struct {
		ID, Impact, Help string
		Nodes            []struct{ HTML, FailureSummary string }
	}
	result := evaluate[string](b, `axe.run(document, {resultTypes: ['violations']}).then(r => JSON.stringify(r.violations))`)
	var violations []finding
	if err := json.Unmarshal([]byte(result), &violations); err != nil {
		b.t.Fatal(err)
	}
	for _, v := range violations {
		if v.Impact != "serious" && v.Impact != "critical" {
			continue
		}
		found = append(found, fmt.Sprintf("\n%s %s: %s, %d times, as %s", v.Impact, v.ID, v.Help, len(v.Nodes), v.Nodes[0].HTML))
		for _, n := range v.Nodes[:min(8, len(v.Nodes))] {
			found = append(found, fmt.Sprintf("\n    %.300s\n      %.200s", n.HTML, n.FailureSummary))
		}
	}
	return found
}

// axeSource is the script, from npm.
func axeSource(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	pack := exec.Command("npm", "pack", "--silent", "--pack-destination", folder, axe)
	if output, err := pack.CombinedOutput(); err != nil {
		t.Fatalf("axe comes from npm (Node 20): %v: %s", err, output)
	}
	packages, err := filepath.Glob(filepath.Join(folder, "*.tgz"))
	if err != nil || len(packages) != 1 {
		t.Fatalf("npm packed %v (%v)", packages, err)
	}
	file, err := os.Open(packages[0])
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	zipped, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	for files := tar.NewReader(zipped); ; {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			t.Fatal("the package has no axe.min.js")
		}
		if err != nil {
			t.Fatal(err)
		}
		if header.Name == "package/axe.min.js" {
			content, err := io.ReadAll(files)
			if err != nil {
				t.Fatal(err)
			}
			return string(content)
		}
	}
}
