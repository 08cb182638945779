package tests

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestRefusedRowsGoToANewFileOfTheirOwnerAloneAndThroughNoLink(t *testing.T) {
	t.Parallel()
	b := newBulk(t)
	input := b.write("users.ndjson", `{"email":"bad"}`+"\n")
	elsewhere := b.write("elsewhere", "kept")
	link := filepath.Join(b.dir, "link")
	if err := os.Symlink(elsewhere, link); err != nil {
		t.Fatal(err)
	}
	dangling := filepath.Join(b.dir, "dangling")
	if err := os.Symlink(filepath.Join(b.dir, "made"), dangling); err != nil {
		t.Fatal(err)
	}
	for _, refused := range []string{link, dangling, b.dir, "/dev/null"} {
		for _, options := range [][]string{nil, {"--restart"}, {"--dry-run"}} {
			if _, stderr := b.run(1, append([]string{"import", input, "--refused", refused}, options...)...); !strings.Contains(stderr, "is a link or no plain file") {
				t.Errorf("--refused %s %v: %s", refused, options, stderr)
			}
		}
	}
	if _, err := os.Lstat(filepath.Join(b.dir, "made")); b.read(elsewhere) != "kept" || err == nil {
		t.Errorf("a link was followed: %q, %v", b.read(elsewhere), err)
	}

	open := filepath.Join(b.dir, "open")
	if err := os.WriteFile(open, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, refused := range []string{open, filepath.Join(b.dir, "new")} {
		b.run(3, "import", input, "--restart", "--refused", refused)
		if info, err := os.Stat(refused); err != nil || info.Mode() != 0o600 || info.Size() == 0 {
			t.Errorf("%s: %v %v", refused, info, err)
		}
	}
	if _, stderr := b.run(1, "import", b.write("more.ndjson", `{"email":"worse"}`+"\n"), "--refused", open); !strings.Contains(stderr, "is there already") {
		t.Errorf("over a file of another run: %s", stderr)
	}
}

func TestPrivatePostgresDoesNotInheritSecrets(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/proc/self/environ"); err != nil {
		t.Skip("this system does not show the environment of a process")
	}
	const word = "Zaubernuss7"
	dir := t.TempDir()
	p := serve(t, map[string]string{
		"BARONG_DATA_DIR": dir, "VAULT_TOKEN": word, "AWS_SECRET_ACCESS_KEY": word, "AWS_SESSION_TOKEN": word, "BARONG_OTHER": word,
		"BARONG_STORAGE_SIGNING_KEY": strings.Repeat(word, 4), "OTEL_EXPORTER_OTLP_HEADERS": "a=" + word, "PGPASSWORD": word, "KEYCHAIN_SECRET": word,
	})
	pid, err := os.ReadFile(filepath.Join(dir, "postgres", "data", "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	process, _, _ := strings.Cut(string(pid), "\n")
	environment, err := os.ReadFile("/proc/" + process + "/environ")
	if err != nil || len(environment) == 0 {
		t.Fatalf("%q %v", environment, err)
	}
	if strings.Contains(string(environment), word) || strings.Contains(string(environment), "BARONG_") {
		t.Errorf("Postgres has the environment %q", environment)
	}
	p.signal(syscall.SIGTERM)
	p.stops()
}
