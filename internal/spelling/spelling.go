// Package spelling finds the known name that a misspelt one most likely means.
package spelling

import (
	"fmt"
	"strings"

	"github.com/agext/levenshtein"
)

// Nearest returns the known name with the smallest edit distance (insertions, deletions and
// substitutions), ignoring case and the separators _, - and space. Names that differ in more
// than two fifths of their letters do not match.
func Nearest(name string, known []string) (nearest string, found bool) {
	normalized := normalize(name)
	least := 0
	for _, candidate := range known {
		other := normalize(candidate)
		distance := levenshtein.Distance(normalized, other, nil)
		if distance > (max(len(normalized), len(other))+1)*2/5 {
			continue
		}
		if !found || distance < least {
			nearest, least, found = candidate, distance, true
		}
	}
	return nearest, found
}

// Suggestion returns a question to append to an error about an unknown name:
// `, did you mean "email"?`. It is empty if no known name is similar.
func Suggestion(name string, known []string) string {
	nearest, found := Nearest(name, known)
	if !found {
		return ""
	}
	return fmt.Sprintf(", did you mean %q?", nearest)
}

var joiners = strings.NewReplacer("-", "_", " ", "_")

func normalize(name string) string {
	return joiners.Replace(strings.ToLower(strings.TrimSpace(name)))
}
