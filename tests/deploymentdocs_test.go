package tests

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The commands of docs/deployment.md that make a keychain and call the server, as they
// stand there: only the engine that runs the server is left out.
func TestSmokeCallOfTheDeploymentDocsWorksWithTheKeychainThatTheyMake(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/deployment.md")
	if err != nil {
		t.Fatal(err)
	}
	steps := regexp.MustCompile(`(?m)^(?:\w+=\S+ )?\.\./bin/barong .*$`).FindAllString(string(text), -1)
	if len(steps) != 2 || !strings.Contains(steps[0], "keygen --keychain") || !strings.Contains(steps[1], "call") {
		t.Fatalf("the steps are %q", steps)
	}
	folder := t.TempDir()
	deploy := filepath.Join(folder, "deploy")
	program, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{filepath.Join(folder, "bin"), deploy, filepath.Join(deploy, "etc")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(program, filepath.Join(folder, "bin", "barong")); err != nil {
		t.Fatal(err)
	}
	run := func(step string, environment ...string) string {
		shell := exec.Command("sh", "-c", step)
		shell.Dir = deploy
		shell.Env = append([]string{"PATH=/usr/bin:/bin"}, environment...)
		output, err := shell.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v %s", step, err, output)
		}
		return string(output)
	}
	run(steps[0])
	keychain := filepath.Join(deploy, "etc", "management_api.yml")
	p := serve(t, map[string]string{"BARONG_DATA_DIR": t.TempDir(), "DATABASE_URL": newDatabase(t), "BARONG_MANAGEMENT_API": keychain})
	if got := run(steps[1], "BARONG_URL=http://"+p.public); strings.TrimSpace(got) != "[]" {
		t.Errorf("the call prints %s", got)
	}
	if strings.Contains(run("ls etc"), ".pem") {
		t.Error("the private key is in the server's folder")
	}
	if info, err := os.Stat(keychain); err != nil || info.Mode().Perm()&0o004 == 0 {
		t.Errorf("the server's user cannot read the keychain: %v %v", info, err)
	}
}
