package cli

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"barong/internal/bulk"
	"barong/repository"
)

// meanings are the findings in words, for the summary of an import.
var meanings = map[bulk.Kind]string{
	bulk.FoundConflict: "changed there and here, and stay as they are here without --overwrite",
	bulk.FoundDropped:  "arrive without a detail that breaks a rule",
	bulk.FoundState:    "have another state than labels and barong.yml give",
	bulk.FoundLevel:    "have another level than there",
	bulk.FoundPrefix:   "have a label that sets a state in Barong 2.3 and not here",
	bulk.FoundGone:     "are here by an earlier run, and no longer there",
	bulk.FoundNote:     "lack something of what is there, or have it changed",
}

// printSummary writes the totals of a run and what it found.
func (c importCommand) printSummary(to io.Writer, run repository.ImportRun, refusedPath string) error {
	summary, err := bulk.SummaryOf(run)
	if err != nil {
		return err
	}
	verb := ""
	if c.DryRun {
		verb = "would be "
	}
	fmt.Fprintf(to, "%d %simported, %d refused", run.Imported, verb, run.Refused)
	if run.Refused > 0 && refusedPath != "" {
		fmt.Fprintf(to, ", which are in %s", refusedPath)
	}
	fmt.Fprintln(to)
	if summary.Updated+summary.Unchanged > 0 {
		fmt.Fprintf(to, "%d %supdated, %d unchanged\n", summary.Updated, verb, summary.Unchanged)
	}
	for _, kind := range bulk.Kinds {
		tally := summary.Findings[kind]
		if meaning := meanings[kind]; tally != nil && meaning != "" {
			fmt.Fprintf(to, "%d %s: %s\n", tally.Users, meaning, shortList(tally))
		}
	}
	if summary.Held > 0 {
		fmt.Fprintf(to, "%d of those with another state get a label that keeps it (--hold-states)\n", summary.Held)
	}
	if len(summary.Numbers) > 0 && (c.From != "" || c.Report != "") {
		fmt.Fprintf(to, "numbers by country: %s\n", countries(summary.Numbers))
	}
	if c.Report != "" && summary.ReportSize > 0 {
		fmt.Fprintf(to, "all of them are in %s\n", c.Report)
	}
	return nil
}

// shortList names the first users of a finding.
func shortList(tally *bulk.Tally) string {
	list := strings.Join(tally.First, ", ")
	if int64(len(tally.First)) < tally.Users {
		list += ", …"
	}
	return list
}

// countries lists numbers by country, most frequent first.
func countries(numbers map[string]int64) string {
	names := slices.SortedFunc(maps.Keys(numbers), func(a, b string) int {
		if numbers[a] != numbers[b] {
			return int(min(1, max(-1, numbers[b]-numbers[a])))
		}
		return strings.Compare(a, b)
	})
	parts := make([]string, len(names))
	for i, name := range names {
		parts[i] = fmt.Sprintf("%s %d", name, numbers[name])
	}
	return strings.Join(parts, ", ")
}
