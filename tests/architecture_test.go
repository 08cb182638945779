package tests

import (
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// modules are the folders of the repository's modules.
var modules = []string{"..", ".", "../cloud", "../clients/go"}

// mayImport reads from docs/architecture.md which of our packages each of them imports. A line of the list names
// packages, an arrow and what they import; it may go on in the next ones.
func mayImport(t *testing.T) map[string][]string {
	t.Helper()
	page, err := os.ReadFile("../docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(string(page), "## Who may import whom\n\n```\n")
	list, _, found := strings.Cut(list, "\n```\n")
	if !found {
		t.Fatal("docs/architecture.md has no list of who may import whom")
	}
	allowed := map[string][]string{}
	for line := range strings.Lines(strings.ReplaceAll(list, "\n    ", " ")) {
		packages, imports, _ := strings.Cut(strings.TrimSpace(line), " → ")
		for name := range strings.SplitSeq(packages, ", ") {
			if allowed[name] = strings.Split(imports, ", "); imports == "nothing" {
				allowed[name] = nil
			}
		}
	}
	return allowed
}

func TestPackagesImportOnlyWhatTheyMay(t *testing.T) {
	t.Parallel()
	allowed := mayImport(t)
	for _, module := range modules {
		list := exec.Command("go", "list", "-json=ImportPath,Imports", "./...")
		list.Dir = module
		output, err := list.Output()
		if err != nil {
			t.Fatal(err)
		}
		decoder := json.NewDecoder(strings.NewReader(string(output)))
		for {
			var found struct {
				ImportPath string
				Imports    []string
			}
			if err := decoder.Decode(&found); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			name := cmp.Or(strings.TrimPrefix(strings.TrimPrefix(found.ImportPath, "barong"), "/"), ".")
			may, known := allowed[name]
			if !known {
				t.Errorf("docs/architecture.md does not have %s", name)
			}
			for _, imported := range found.Imports {
				if other, ours := strings.CutPrefix(imported, "barong/"); ours && !slices.Contains(may, other) {
					t.Errorf("%s imports %s", name, other)
				}
			}
			for _, other := range may {
				if !slices.Contains(found.Imports, "barong/"+other) {
					t.Errorf("docs/architecture.md says that %s imports %s", name, other)
				}
			}
			delete(allowed, name)
		}
	}
	for name := range allowed {
		t.Errorf("docs/architecture.md has %s, which is not there", name)
	}
}

// maxIndirect is how many modules the server may bring beside those that it names:
// each is one more to audit, to update and to download.
const maxIndirect = 75

func TestTheServerBringsFewModules(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	if indirect := strings.Count(string(content), "// indirect"); indirect > maxIndirect {
		t.Errorf("go.mod has %d indirect modules, more than %d", indirect, maxIndirect)
	}
}

// maxClientModules is how many modules the Go client may bring into a program.
const maxClientModules = 6

func TestTheGoClientBringsFewModules(t *testing.T) {
	t.Parallel()
	list := exec.Command("go", "list", "-m", "all")
	list.Dir = "../clients/go"
	output, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	if modules := strings.Fields(string(output)); modules[0] != "barong/clients/go" || (len(modules)-1)/2 > maxClientModules {
		t.Errorf("the modules are %q", modules)
	}
}
