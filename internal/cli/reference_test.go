package cli

import (
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

var update = flag.Bool("update", false, "write the commands into docs/command-line.md")

const (
	referenceFile  = "../../docs/command-line.md"
	referenceBegin = "<!-- From here on: go test ./internal/cli -run Reference -update -->\n"
)

func TestTheReferenceHasEveryCommandAsItsHelpHasIt(t *testing.T) {
	parser := newParser(&program{stdout: io.Discard, stderr: io.Discard}, func(int) {})
	var want strings.Builder
	for _, command := range parser.Model.Leaves(true) {
		describe(&want, command)
	}
	content, err := os.ReadFile(referenceFile)
	if err != nil {
		t.Fatal(err)
	}
	head, got, ok := strings.Cut(string(content), referenceBegin)
	if !ok {
		t.Fatalf("%s lacks the line %s", referenceFile, referenceBegin)
	}
	if *update {
		if err := os.WriteFile(referenceFile, []byte(head+referenceBegin+want.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got != want.String() {
		t.Errorf("%s is not what the commands say; write it anew: go test ./internal/cli -run Reference -update", referenceFile)
	}
}

// describe writes the reference of a command in Markdown.
func describe(to *strings.Builder, command *kong.Node) {
	fmt.Fprintf(to, "\n## %s\n\n%s\n", command.FullPath(), command.Help)
	text, example, _ := strings.Cut(command.Detail, "Example:\n")
	if text = strings.TrimSpace(text); text != "" {
		fmt.Fprintf(to, "\n%s\n", strings.ReplaceAll(text, "<", "\\<"))
	}
	if example != "" {
		fmt.Fprintf(to, "\n```sh\n%s\n```\n", strings.ReplaceAll(strings.TrimSpace(example), "\n  ", "\n"))
	}
	var rows []string
	for _, argument := range command.Positional {
		rows = append(rows, fmt.Sprintf("| %s | %s |", cellOf("`"+argument.Summary()+"`"), cellOf(argument.Help)))
	}
	for _, flag := range command.Flags {
		if flag.Hidden {
			continue
		}
		help := flag.Help
		if len(flag.Envs) > 0 {
			help += " Setting: `" + strings.Join(flag.Envs, "`, `") + "`."
		}
		rows = append(rows, fmt.Sprintf("| %s | %s |", cellOf("`"+flag.String()+"`"), cellOf(help)))
	}
	if rows != nil {
		fmt.Fprintf(to, "\n| argument, flag | |\n|---|---|\n%s\n", strings.Join(rows, "\n"))
	}
}

func cellOf(text string) string { return strings.ReplaceAll(text, "|", "\\|") }
