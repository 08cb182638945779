// Package spelling finds the name that somebody most likely meant.
package spelling

import (
	"fmt"
	"strings"

	"github.com/agext/levenshtein"
)

// Nearest is the known name that takes the fewest insertions, deletions and
// substitutions to reach, without regard to case and to whether words are joined
// by _, - or a space. A name that differs in more than two fifths of its letters is
// another word: then there is none.
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

// Suggestion is a question to append to the sentence that refuses a name: `, did
// you mean "email"?`. It is empty where no known name is near.
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
