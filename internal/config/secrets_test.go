package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSecretsComeFromFiles(t *testing.T) {
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	url := "postgres://barong:geheim@db/barong"
	t.Setenv("BARONG_MANAGEMENT_API", "")
	t.Setenv("DATABASE_URL", "")
	t.Setenv("DATABASE_URL_FILE", file("url", url+"\n"))
	t.Setenv("BARONG_STORAGE_SIGNING_KEY_FILE", file("key", "0123456789abcdef0123456789abcdef\r\n"))
	c, err := Read()
	if err != nil || c.DatabaseURL != url || c.StorageSigningKey != "0123456789abcdef0123456789abcdef" {
		t.Errorf("%q, %q, %v", c.DatabaseURL, c.StorageSigningKey, err)
	}

	refused := func(sentence string) {
		t.Helper()
		if _, err := Read(); err == nil || !strings.Contains(err.Error(), sentence) || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%v, and not %q", err, sentence)
		}
	}
	t.Setenv("DATABASE_URL", url)
	refused("DATABASE_URL and DATABASE_URL_FILE are both set")
	t.Setenv("DATABASE_URL", "")
	t.Setenv("DATABASE_URL_FILE", filepath.Join(dir, "missing"))
	refused("DATABASE_URL_FILE names a file that cannot be read")
	for _, content := range []string{"", "\n", url + "\n" + url, strings.Repeat("x", maxSecret+1)} {
		t.Setenv("DATABASE_URL_FILE", file("url", content))
		refused("must hold one line")
	}
}

// Users would set a secret openly that the documentation does not list.
func TestSecretsThatFilesMayHoldAreDocumented(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range secrets() {
		if !strings.Contains(string(text), "`"+name+fileSuffix+"`") {
			t.Errorf("docs/configuration.md lacks %s", name+fileSuffix)
		}
	}
}
