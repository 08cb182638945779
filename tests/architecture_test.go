package tests

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// mayImport is which of our packages each of them may use (docs/architecture.md).
var mayImport = map[string][]string{
	"barong":                              {"internal/cli"},
	"barong/cloud":                        {"internal/cli"},
	"barong/internal/cli":                 {"internal/app", "internal/config", "clients/go", "clients/go/signing", "internal/server", "internal/embeddedpg", "internal/auth", "internal/jws", "internal/otp", "internal/documents", "internal/bulk", "internal/documentimport", "internal/accountimport", "internal/journal", "internal/barongdb", "internal/barongsql", "handlers", "repository", "internal/identity", "generated", "internal/spec", "internal/apidocs", "internal/spelling", "internal/version", "internal/keys", "internal/problem", "internal/events", "internal/rabbitmq", "internal/webhooks", "internal/webhooks/endpoints", "internal/checkpoints"},
	"barong/internal/app":                 {"clients/go/signing", "internal/config", "internal/server", "internal/embeddedpg", "internal/auth", "internal/jws", "internal/otp", "internal/documents", "handlers", "repository", "internal/identity", "generated", "internal/spec", "internal/keys", "internal/version", "internal/eventapi", "internal/events", "internal/rabbitmq", "internal/journal", "internal/webhooks", "internal/webhooks/endpoints", "internal/checkpoints"},
	"barong/internal/server":              {"internal/spec", "handlers", "internal/auth", "internal/reload", "internal/documents", "internal/apidocs", "internal/swagger2", "internal/clientspec", "generated", "internal/jsonobject", "internal/problem", "internal/journal"},
	"barong/handlers":                     {"generated", "internal/identity", "repository", "clients/go/signing", "internal/jws", "internal/otp", "internal/documents", "internal/keys", "internal/problem", "internal/journal"},
	"barong/internal/bulk":                {"internal/barongdb", "internal/spelling", "internal/identity", "internal/journal", "internal/otp", "repository", "internal/problem"},
	"barong/internal/barongsql":           {"repository", "internal/identity"},
	"barong/internal/accountimport":       {"internal/barongdb", "repository", "internal/identity", "internal/journal", "internal/keys"},
	"barong/internal/documentimport":      {"internal/barongdb", "internal/bulk", "internal/documents", "repository", "internal/identity", "internal/journal", "internal/problem"},
	"barong/repository":                   {"internal/identity", "internal/journal", "internal/problem"},
	"barong/internal/journal":             nil,
	"barong/internal/events":              {"internal/journal"},
	"barong/internal/webhooks":            {"internal/webhooks/endpoints", "internal/events", "internal/identity", "internal/journal", "internal/version", "repository"},
	"barong/internal/webhooks/endpoints":  {"internal/events", "internal/reload"},
	"barong/internal/rabbitmq":            {"internal/eventapi", "internal/events", "internal/identity", "internal/journal", "repository"},
	"barong/internal/rabbitmq/brokertest": nil,
	"barong/internal/eventapi":            {"clients/go/signing", "internal/events", "internal/identity"},
	"barong/internal/checkpoints":         {"internal/journal", "internal/keys"},
	"barong/internal/barongdb":            {"internal/vault", "internal/identity"},
	"barong/internal/barongdb/barongtest": {"internal/barongdb", "internal/embeddedpg"},
	"barong/clients/go":                   {"clients/go/api", "clients/go/signing"},
	"barong/clients/go/api":               nil,
	"barong/clients/go/signing":           nil,
	"barong/internal/auth":                {"clients/go/signing", "internal/jws", "internal/jsonobject", "internal/journal", "internal/reload", "internal/problem"},
	"barong/internal/jws":                 {"clients/go/signing", "internal/jsonobject"},
	"barong/internal/jsonobject":          nil,
	"barong/internal/otp":                 {"internal/vault", "internal/identity", "internal/keys", "internal/problem"},
	"barong/internal/documents":           {"internal/identity", "internal/keys", "internal/problem"},
	"barong/internal/keys":                nil,
	"barong/internal/problem":             nil,
	"barong/internal/reload":              nil,
	"barong/internal/identity":            {"internal/problem"},
	"barong/generated":                    nil,
	"barong/internal/config":              {"internal/identity", "internal/spelling"},
	"barong/internal/embeddedpg":          nil,
	"barong/internal/apidocs":             {"clients/go/api"},
	"barong/internal/spec":                nil,
	"barong/internal/spelling":            nil,
	"barong/internal/swagger2":            {"internal/spec"},
	"barong/internal/clientspec":          {"internal/spec"},
	"barong/internal/vault":               nil,
	"barong/internal/version":             nil,
	"barong/internal/long":                nil,
	"barong/tests":                        {"internal/long"},
	"barong/tests/faults":                 {"clients/go/signing", "internal/auth", "internal/embeddedpg", "handlers"},
	"barong/tests/upgrade":                {"internal/embeddedpg"},
	"barong/internal/clientspec/derive":   {"internal/clientspec"},

	"barong/tests/bench": {"clients/go/signing", "internal/auth", "internal/embeddedpg", "handlers", "internal/identity", "repository"},
}

// modules are the folders of the repository's modules.
var modules = []string{"..", ".", "../cloud", "../clients/go"}

func TestPackagesImportOnlyWhatTheyMay(t *testing.T) {
	t.Parallel()
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
			allowed, known := mayImport[found.ImportPath]
			if !known {
				t.Errorf("%s is not in the list of packages", found.ImportPath)
			}
			for _, imported := range found.Imports {
				if name, ours := strings.CutPrefix(imported, "barong/"); ours && !slices.Contains(allowed, name) {
					t.Errorf("%s imports %s", found.ImportPath, imported)
				}
			}
		}
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
