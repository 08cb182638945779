// Command compat decides whether openapi.yaml may change as it did: what breaks
// clients must be named in CHANGELOG.md. `make compat` runs it.
//
// oasdiff compares openapi.yaml, as it is in the working tree, with the one that
// clients have (base.go). Each change that it calls an error needs an entry in
// CHANGELOG.md, under "Unreleased" and there under "Breaking", that has its id
// and its operation between backquotes; "every operation" stands for all:
//
//   - `request-property-became-required` in `POST /users`: why, and what to do
//
// Warnings are shown and do not fail.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
)

const (
	specification = "openapi.yaml"
	changelog     = "CHANGELOG.md"
)

func main() {
	oasdiff := flag.String("oasdiff", "", "the command that runs oasdiff")
	base := flag.String("base", "", "the revision to compare with; empty: the last release or, where there is none, what main had")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Stdout, ".", strings.Fields(*oasdiff), *base)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run compares in a working tree, and reports to out. It fails on changes that
// break clients and are not named.
func run(ctx context.Context, out io.Writer, dir string, oasdiff []string, revision string) error {
	repository := git{ctx, dir}
	if revision == "" {
		revision = repository.base()
	}
	if revision == "" {
		fmt.Fprintf(out, "The history has no other %s: there is nothing to compare with. A shallow clone needs `git fetch --unshallow`, or BASE.\n", specification)
		return nil
	}
	before, err := repository.run("show", revision+":"+specification)
	if err != nil {
		return fmt.Errorf("there is no %s in the revision %s: %w", specification, revision, err)
	}
	changes, err := compare(ctx, oasdiff, before, filepath.Join(dir, specification))
	if err != nil {
		return err
	}
	text, err := os.ReadFile(filepath.Join(dir, changelog))
	if err != nil {
		return err
	}
	named := breaking(string(text))
	var unnamed []string
	for _, c := range changes {
		switch {
		case c.Level < levelError:
			fmt.Fprintln(out, "warning:", c)
		case c.isNamed(named):
			fmt.Fprintln(out, "named:", c)
		default:
			unnamed = append(unnamed, c.String())
		}
	}
	if len(unnamed) > 0 {
		return fmt.Errorf("%s has changes since %s that break clients. Take them back, or name each in %s, under Unreleased and Breaking:\n%s",
			specification, revision, changelog, strings.Join(unnamed, "\n"))
	}
	fmt.Fprintf(out, "%s breaks nothing since %s that %s does not name.\n", specification, revision, changelog)
	return nil
}

// change is one that oasdiff calls breaking.
type change struct {
	ID        string // of the kind of change
	Text      string
	Level     int
	Operation string // the verb; "" where it is about no single operation
	Path      string
}

// levelError is the level of changes that break clients for certain.
const levelError = 3

func (c change) String() string {
	return fmt.Sprintf("`%s` in `%s`: %s", c.ID, c.place(), c.Text)
}

func (c change) place() string { return strings.TrimSpace(c.Operation + " " + c.Path) }

func (c change) isNamed(entries []string) bool {
	for _, entry := range entries {
		if strings.Contains(entry, "`"+c.ID+"`") && (strings.Contains(entry, "`"+c.place()+"`") || strings.Contains(entry, "every operation")) {
			return true
		}
	}
	return false
}

// compare asks oasdiff what breaks clients of one specification in another, which
// is a file.
func compare(ctx context.Context, oasdiff []string, before, after string) ([]change, error) {
	if len(oasdiff) == 0 {
		return nil, errors.New("-oasdiff must name a command")
	}
	base, err := os.CreateTemp("", "openapi-*.yaml")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.Remove(base.Name()) }()
	_, err = base.WriteString(before)
	if err := errors.Join(err, base.Close()); err != nil {
		return nil, err
	}
	command := exec.CommandContext(ctx, oasdiff[0], append(oasdiff[1:len(oasdiff):len(oasdiff)], "breaking", "--format", "json", base.Name(), after)...)
	command.Stderr = os.Stderr
	output, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("%s failed: %w", command, err)
	}
	var changes []change
	if len(strings.TrimSpace(string(output))) > 0 {
		err = json.Unmarshal(output, &changes)
	}
	if err != nil {
		return nil, fmt.Errorf("the report of %s cannot be read: %w", command, err)
	}
	return changes, nil
}

// breaking returns the entries under "Breaking" of "Unreleased", each with its
// lines joined.
func breaking(changelog string) []string {
	var entries []string
	var version, section string
	for line := range strings.Lines(changelog) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "## "):
			version, section = strings.Trim(line, "#[] "), ""
		case strings.HasPrefix(line, "### "):
			section = strings.Trim(line, "# ")
		case version != "Unreleased" || section != "Breaking":
		case strings.HasPrefix(line, "- "):
			entries = append(entries, line)
		case len(entries) > 0:
			entries[len(entries)-1] += " " + line
		}
	}
	return entries
}
