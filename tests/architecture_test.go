package tests

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// mayImport is which of our packages each of them may use (docs/architecture.md).
var mayImport = map[string][]string{
	"barong":               {"cli"},
	"barong/cli":           {"config", "client", "server", "embeddedpg", "auth", "otp", "documents", "bulk", "handlers", "repository", "identity", "generated", "keys", "docspage", "spelling", "version"},
	"barong/server":        {"handlers", "auth", "reload", "documents", "docspage", "swagger2", "generated", "identity", "jsonobject"},
	"barong/handlers":      {"generated", "identity", "repository", "auth", "otp", "documents"},
	"barong/bulk":          {"spelling", "identity", "otp", "repository"},
	"barong/repository":    {"identity"},
	"barong/client":        {"auth", "generated", "version"},
	"barong/auth":          {"identity", "jsonobject", "reload"},
	"barong/jsonobject":    nil,
	"barong/otp":           {"identity"},
	"barong/documents":     {"identity", "keys"},
	"barong/keys":          nil,
	"barong/reload":        nil,
	"barong/identity":      nil,
	"barong/generated":     nil,
	"barong/config":        nil,
	"barong/embeddedpg":    nil,
	"barong/compat":        nil,
	"barong/docspage":      {"generated"},
	"barong/spelling":      nil,
	"barong/swagger2":      nil,
	"barong/version":       nil,
	"barong/tests":         nil,
	"barong/tests/faults":  {"auth", "embeddedpg", "handlers"},
	"barong/tests/long":    nil,
	"barong/tests/upgrade": {"embeddedpg"},
	"barong/tests/bench":   {"auth", "embeddedpg", "handlers", "identity", "repository"},
}

func TestPackagesImportOnlyWhatTheyMay(t *testing.T) {
	t.Parallel()
	list := exec.Command("go", "list", "-json=ImportPath,Imports", "barong/...")
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
