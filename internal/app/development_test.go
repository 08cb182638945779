package app

import (
	"os"
	"strings"
	"testing"

	"barong/generated"
	"barong/internal/auth"
	"barong/internal/spec"
)

func TestKeychainOfTheDevelopmentSignerGetsTheScopesOfLaterVersions(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d, err := openDevelopment(dir)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(d.KeychainFile())
	if err != nil {
		t.Fatal(err)
	}
	document, err := generated.GetSpec()
	if err != nil {
		t.Fatal(err)
	}
	keychain, err := auth.ParseKeychain(whole, os.Getenv)
	if err != nil || len(keychain.Scopes()) != len(spec.OperationsByScope(document)) {
		t.Fatalf("%d scopes, %v", len(keychain.Scopes()), err)
	}
	var older strings.Builder
	for line := range strings.Lines(string(whole)) {
		if !strings.Contains(line, "_phones:") {
			older.WriteString(line)
		}
	}
	foreign := strings.Replace(older.String(), "# Made", "# I made", 1)
	for name, c := range map[string]struct{ before, after string }{
		"an earlier version's": {older.String(), string(whole)},
		"as it is":             {string(whole), string(whole)},
		"somebody else's":      {foreign, foreign},
	} {
		if err := os.WriteFile(d.KeychainFile(), []byte(c.before), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := openDevelopment(dir); err != nil {
			t.Fatal(name, err)
		}
		if got, err := os.ReadFile(d.KeychainFile()); err != nil || string(got) != c.after {
			t.Errorf("%s: %v\n%s", name, err, got)
		}
	}
}
