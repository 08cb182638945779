package tests

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// The clients in other languages say which operation they sign for by a table of
// their own: what is missing there is signed for every operation.
func TestClientsOfOtherLanguagesKnowEveryOperation(t *testing.T) {
	t.Parallel()
	for file, entry := range map[string]string{
		"python/barong/operations.py":   `"%s %s": "%s",`,
		"ruby/lib/barong/operations.rb": `'%s %s' => '%s'`,
		"typescript/src/operations.ts":  `'%s %s': '%s',`,
	} {
		source, err := os.ReadFile("../clients/" + file)
		if err != nil {
			t.Fatal(err)
		}
		for _, op := range operations {
			if line := fmt.Sprintf(entry, op.method, op.path, op.id); strings.Count(string(source), line) != 1 {
				t.Errorf("clients/%s has no %s", file, line)
			}
		}
	}
}
