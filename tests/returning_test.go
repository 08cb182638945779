package tests

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// internal/barongsql tests what the script does in Barong's database.
func TestExportForBarongWritesAPrivateFileAndListsUsersThatBarongCannotHold(t *testing.T) {
	t.Parallel()
	b := newBulk(t)
	b.run(0, "import", b.write("users.ndjson", everything))
	path := filepath.Join(b.dir, "back.sql")
	_, stderr := b.run(0, "export", "--for", "barong-2.3", path)
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("the file's mode: %v %v", info, err)
	}
	for _, want := range []string{"3 users exported", "0 are left out", "1 users have their secret of one-time codes here"} {
		if !strings.Contains(stderr, want) {
			t.Errorf("no %q in %q", want, stderr)
		}
	}
	text := b.read(path)
	for _, want := range []string{"CREATE TEMPORARY TABLE", "START TRANSACTION", "'IDAAAAAAAAAA'", "'Ada@Example.com'", "\nCOMMIT;"} {
		if !strings.Contains(text, want) {
			t.Errorf("the script lacks %q", want)
		}
	}
	if _, stderr := b.run(1, "export", "--for", "barong-2.3", path); !strings.Contains(stderr, "exists") {
		t.Errorf("export over a file: %s", stderr)
	}

	b.exec("UPDATE users SET data = repeat('x', 65536) WHERE uid = 'IDBBBBBBBBBB'")
	text, stderr = b.run(3, "export", "--for", "barong-2.3")
	if !strings.Contains(stderr, "IDBBBBBBBBBB is left out: users.data is longer than 65535 bytes\n") || strings.Contains(text, "b@example.com") {
		t.Errorf("a user whose data is too long: %s", stderr)
	}
	text, _ = b.run(0, "export", "--for", "barong-2.3", "--dialect", "postgres", "--since", "2021-01-01T00:00:00Z")
	if !strings.Contains(text, "IDAAAAAAAAAA") || strings.Contains(text, "IDCCCCCCCCCC") || strings.Contains(text, "X'") {
		t.Error("--dialect or --since has no effect")
	}

	for _, args := range [][]string{
		{"--since", "2021-01-01T00:00:00Z"},
		{"--dialect", "mysql"},
		{"--for", "barong-2.6"},
		{"--for", "barong-2.3", "--since", "yesterday"},
		{"--for", "barong-2.3", "--secrets"},
		{"--for", "barong-2.3", "--format", "csv"},
	} {
		b.run(2, append([]string{"export"}, args...)...)
	}
}
