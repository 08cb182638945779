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
	"barong":                     {"internal/cli"},
	"barong/internal/cli":        {"internal/config", "client", "internal/server", "internal/embeddedpg", "internal/auth", "internal/otp", "internal/documents", "internal/bulk", "handlers", "repository", "internal/identity", "generated", "internal/keys", "internal/apidocs", "internal/spelling", "internal/version", "internal/problem"},
	"barong/internal/server":     {"handlers", "internal/auth", "internal/reload", "internal/documents", "internal/apidocs", "internal/swagger2", "internal/clientspec", "generated", "internal/jsonobject", "internal/problem"},
	"barong/handlers":            {"generated", "internal/identity", "repository", "internal/auth", "internal/otp", "internal/documents", "internal/problem"},
	"barong/internal/bulk":       {"internal/spelling", "internal/identity", "internal/otp", "repository", "internal/problem"},
	"barong/repository":          {"internal/identity", "internal/problem"},
	"barong/client":              {"internal/auth", "generated", "internal/version"},
	"barong/internal/auth":       {"internal/jsonobject", "internal/reload", "internal/problem"},
	"barong/internal/jsonobject": nil,
	"barong/internal/otp":        {"internal/identity", "internal/problem"},
	"barong/internal/documents":  {"internal/identity", "internal/keys", "internal/problem"},
	"barong/internal/keys":       nil,
	"barong/internal/problem":    nil,
	"barong/internal/reload":     nil,
	"barong/internal/identity":   {"internal/problem"},
	"barong/generated":           nil,
	"barong/internal/config":     {"internal/spelling"},
	"barong/internal/embeddedpg": nil,
	"barong/internal/compat":     nil,
	"barong/internal/apidocs":    {"generated"},
	"barong/internal/spelling":   nil,
	"barong/internal/swagger2":   nil,
	"barong/internal/clientspec": nil,
	"barong/internal/version":    nil,
	"barong/tests":               nil,
	"barong/tests/faults":        {"internal/auth", "internal/embeddedpg", "handlers"},
	"barong/tests/long":          nil,
	"barong/tests/upgrade":       {"internal/embeddedpg"},
	"barong/tests/bench":         {"internal/auth", "internal/embeddedpg", "handlers", "internal/identity", "repository"},

	"barong/internal/clientspec/derive": {"internal/clientspec"},
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
