package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"barong/tests/long"
)

// oasdiff is the command that the Makefile pins.
func oasdiff(t *testing.T) []string {
	t.Helper()
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	pin := regexp.MustCompile(`(?m)^OASDIFF\s*:= (\S+)$`).FindSubmatch(makefile)
	if pin == nil {
		t.Fatal("the Makefile pins no OASDIFF")
	}
	return []string{"go", "run", string(pin[1])}
}

// history is a git repository of a test's own.
type history struct {
	t   *testing.T
	dir string
}

func newHistory(t *testing.T) history {
	t.Helper()
	h := history{t, t.TempDir()}
	h.git("init", "--quiet", "--initial-branch=main")
	return h
}

func (h history) git(arguments ...string) {
	h.t.Helper()
	command := exec.Command("git", append([]string{"-C", h.dir, "-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "commit.gpgsign=false", "-c", "protocol.file.allow=always"}, arguments...)...)
	if output, err := command.CombinedOutput(); err != nil {
		h.t.Fatalf("git %v: %s", arguments, output)
	}
}

func (h history) write(name, text string) {
	h.t.Helper()
	if err := os.WriteFile(filepath.Join(h.dir, name), []byte(text), 0o600); err != nil {
		h.t.Fatal(err)
	}
}

// commit records a specification and a changelog.
func (h history) commit(specification, changelog string) {
	h.t.Helper()
	h.write("openapi.yaml", specification)
	h.write("CHANGELOG.md", changelog)
	h.git("add", ".")
	h.git("commit", "--quiet", "--allow-empty", "--message", "a change")
}

// compat returns what the command prints, and what it fails with.
func (h history) compat(base string) (string, error) {
	h.t.Helper()
	var out strings.Builder
	err := run(h.t.Context(), &out, h.dir, oasdiff(h.t), base)
	return out.String(), err
}

const (
	original = `openapi: 3.0.3
info: {title: An API, version: '1'}
paths:
  /users:
    post:
      requestBody:
        content:
          application/json:
            schema:
              type: object
              required: [email]
              properties:
                email: {type: string}
                phone: {type: string}
      responses:
        '201': {description: Created}
`
	unchanged = "# Changelog\n\n## Unreleased\n\n- Something.\n\n## 1.0.0\n\n### Breaking\n\n- `request-property-became-required` in `POST /users`: of another version\n"
)

var (
	harmless = strings.Replace(original, "phone: {type: string}", "phone: {type: string}\n                city: {type: string}", 1)
	harmful  = strings.Replace(original, "required: [email]", "required: [email, phone]", 1)
)

func unreleased(entry string) string {
	return "# Changelog\n\n## Unreleased\n\n### Breaking\n\n" + entry + "\n\n## 1.0.0\n"
}

func TestOnlyNamedChangesMayBreakClients(t *testing.T) {
	long.Test(t)
	t.Parallel()
	for _, c := range []struct {
		name, specification, changelog string
		passes                         bool
	}{
		{"no change", original, unchanged, true},
		{"a new parameter that is optional", harmless, unchanged, true},
		{"a parameter becomes required, and the changelog is silent", harmful, unchanged, false},
		{"it names the change", harmful, unreleased("- `request-property-became-required` in\n  `POST /users`: who signs up has a phone"), true},
		{"it names it for every operation", harmful, unreleased("- `request-property-became-required` in every operation"), true},
		{"it names another change", harmful, unreleased("- `request-property-removed` in `POST /users`"), false},
		{"it names another operation", harmful, unreleased("- `request-property-became-required` in `POST /labels`"), false},
		{"two entries name a half each", harmful, unreleased("- `request-property-became-required` in `POST /labels`\n- `request-property-removed` in `POST /users`"), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := newHistory(t)
			h.commit(original, unchanged)
			h.commit(c.specification, c.changelog)
			if out, err := h.compat("HEAD~1"); (err == nil) != c.passes {
				t.Errorf("%v\n%s", err, out)
			} else if err != nil && !strings.Contains(err.Error(), "`request-property-became-required` in `POST /users`") {
				t.Errorf("the change is not in the error: %v", err)
			}
		})
	}
}

func TestBaseIsTheSpecificationThatClientsHave(t *testing.T) {
	long.Test(t)
	t.Parallel()
	for name, build := range map[string]func(h history){
		"on main, before the last change of the specification": func(h history) {
			h.commit(original, unchanged)
			h.commit(harmful, unchanged)
			h.commit(harmful, "# Changelog\n")
		},
		"on main, before the merge that changed it": func(h history) {
			h.commit(original, unchanged)
			h.git("checkout", "--quiet", "-b", "feature")
			h.commit(harmful, unchanged)
			h.commit(harmful+"# more\n", unchanged)
			h.git("checkout", "--quiet", "main")
			h.git("merge", "--quiet", "--no-ff", "--message", "a merge", "feature")
		},
		"on a branch, where it left main": func(h history) {
			h.commit(original, unchanged)
			h.git("checkout", "--quiet", "-b", "feature")
			h.commit(harmful, unchanged)
			h.commit(harmful+"# more\n", unchanged)
		},
		"before the change is committed": func(h history) {
			h.commit(original, unchanged)
			h.write("openapi.yaml", harmful)
		},
		"the last release, however long ago": func(h history) {
			h.commit(original, unchanged)
			h.git("tag", "v1.0.0")
			h.commit(harmful, unchanged)
			h.commit(harmful+"# more\n", unchanged)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHistory(t)
			build(h)
			if out, err := h.compat(""); err == nil {
				t.Errorf("a breaking change passed: %s", out)
			}
		})
	}
}

func TestCloneThatIsCutOffSaysSo(t *testing.T) {
	long.Test(t)
	t.Parallel()
	h := newHistory(t)
	h.commit(original, unchanged)
	first, err := h.compat("")
	if err != nil || !strings.Contains(first, "nothing to compare with") {
		t.Errorf("the first commit: %q, %v", first, err)
	}
	h.commit(harmful, unchanged)
	clone := history{t, t.TempDir()}
	clone.git("clone", "--quiet", "--depth=1", "file://"+h.dir, ".")
	shallow, err := clone.compat("")
	if err != nil || !strings.Contains(shallow, "git fetch --unshallow") {
		t.Errorf("a shallow clone: %q, %v", shallow, err)
	}
	if _, err := h.compat("nothing"); err == nil {
		t.Error("a revision that does not exist passed")
	}
}
