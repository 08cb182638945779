package auth_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"barong/internal/auth"
)

// journal is a log that a test can read.
type journal struct {
	mutex sync.Mutex
	text  bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	return j.text.Write(p)
}

func (j *journal) count(part string) int {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	return strings.Count(j.text.String(), part)
}

// keychainFile returns a keychain file in which the party alone may write labels.
func keychainFile(p party) string {
	return fmt.Sprintf("keychain:\n%s\nscopes:\n  write_labels: {permitted_signers: [%s], mandatory_signers: [%s]}\n", p.entry(), p.name, p.name)
}

func write(t testing.TB, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// trusts reports whether a source accepts a signature of the party.
func trusts(t testing.TB, s *auth.Source, p party) bool {
	t.Helper()
	payload := b64(goodPayload)
	got, _, _ := authorize(t, s.Keychain(), envelope(t, payload, honest(t, p, payload)))
	return got == allowed
}

func source(t testing.TB) (*auth.Source, string, *journal) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "management_api.yml")
	write(t, path, keychainFile(alex()))
	log := &journal{}
	s, err := auth.NewSource(path, slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	return s, path, log
}

func TestReloadTakesTheNewFileAndKeepsTheOldOneWhereThatIsBroken(t *testing.T) {
	t.Parallel()
	s, path, log := source(t)
	if !trusts(t, s, alex()) {
		t.Fatal("the first file is not in force")
	}
	for name, content := range map[string]string{"broken": "keychain: {", "refused": "keychain: {a: {algorithm: none, value: x}}"} {
		write(t, path, content)
		s.Reload()
		if !trusts(t, s, alex()) {
			t.Errorf("%s: the keychain before is not in force", name)
		}
	}
	if log.count("keychain.a.algorithm") != 1 || log.count("not YAML") != 1 {
		t.Errorf("the log does not say what is wrong: %s", &log.text)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	s.Reload()
	s.Reload()
	if !trusts(t, s, alex()) || log.count("cannot be read") != 2 {
		t.Errorf("a file that is gone: %s", &log.text)
	}
	write(t, path, keychainFile(jeff()))
	s.Reload()
	if trusts(t, s, alex()) || !trusts(t, s, jeff()) || log.count("keychain loaded") != 1 {
		t.Errorf("the new file is not in force: %s", &log.text)
	}
}

func TestAServerDoesNotStartOnABrokenFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "management_api.yml")
	_, err := auth.NewSource(path, slog.Default())
	contains(t, err, "cannot be read", path)
	write(t, path, "scopes: {a: {permitted_signers: [x]}}")
	_, err = auth.NewSource(path, slog.Default())
	contains(t, err, path, "scopes.a.mandatory_signers is empty", `"x"`)
}

func TestVariablesComeFromTheEnvironment(t *testing.T) {
	t.Setenv("AUTH_TEST_KEY", alex().value)
	path := filepath.Join(t.TempDir(), "management_api.yml")
	write(t, path, strings.ReplaceAll(keychainFile(alex()), alex().value, `"<%= ENV['AUTH_TEST_KEY'] %>"`))
	s, err := auth.NewSource(path, slog.Default())
	if err != nil {
		t.Fatal(err)
	}
	if !trusts(t, s, alex()) {
		t.Error("the key of the variable is not in force")
	}
}

// TestWatchNoticesEveryKindOfChange uses a fake clock: each wait covers one check of the file.
func TestWatchNoticesEveryKindOfChange(t *testing.T) {
	t.Parallel()
	alex, jeff := alex(), jeff() // created outside the synctest bubble
	synctest.Test(t, func(t *testing.T) {
		s, path, log := source(t)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go s.Watch(ctx, time.Second)
		tick := func() { time.Sleep(time.Second); synctest.Wait() }
		look := func() { tick(); tick(); tick() }
		time.Sleep(500 * time.Millisecond)

		look()
		if log.count("keychain") != 0 {
			t.Errorf("a file that did not change is logged: %s", &log.text)
		}

		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		write(t, path, keychainFile(jeff))
		if err := os.Chtimes(path, info.ModTime(), info.ModTime()); err != nil {
			t.Fatal(err)
		}
		look()
		if !trusts(t, s, jeff) || trusts(t, s, alex) {
			t.Error("content that changed under an old time is not noticed")
		}

		// A partly written file may be valid, and so may an empty one.
		for _, half := range []string{"", "keychain:\n", strings.SplitAfter(keychainFile(alex), "scopes:")[0]} {
			write(t, path, half)
			tick()
		}
		write(t, path, keychainFile(jeff))
		look()
		if !trusts(t, s, jeff) || log.count("keychain") != 1 {
			t.Errorf("a file that is being written is put in force: %s", &log.text)
		}

		write(t, path, "keychain: {")
		look()
		look()
		if !trusts(t, s, jeff) || log.count("refused") != 1 {
			t.Errorf("a broken file must be logged once and change nothing: %s", &log.text)
		}

		// A mounted ConfigMap: the file is a symbolic link whose target is replaced.
		dir := filepath.Dir(path)
		write(t, filepath.Join(dir, "v2"), keychainFile(alex))
		if err := os.Symlink("v2", filepath.Join(dir, "link")); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(filepath.Join(dir, "link"), path); err != nil {
			t.Fatal(err)
		}
		look()
		if !trusts(t, s, alex) {
			t.Error("a link in its place is not noticed")
		}

		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		look()
		look()
		if !trusts(t, s, alex) || log.count("cannot be read") != 1 {
			t.Errorf("a file that is gone must be logged once and change nothing: %s", &log.text)
		}
		write(t, path, keychainFile(alex))
		look()
		if log.count("keychain loaded") != 3 {
			t.Errorf("that the same file is back must be logged: %s", &log.text)
		}

		cancel()
		synctest.Wait()
		write(t, path, keychainFile(jeff))
		look()
		if trusts(t, s, jeff) {
			t.Error("it watches on after its context ended")
		}
	})
}

func TestAFixedKeychainStays(t *testing.T) {
	t.Parallel()
	k := keychain(t, "")
	s := auth.Fixed(k)
	s.Reload()
	s.Watch(t.Context(), time.Hour) // returns at once
	if s.Keychain() != k {
		t.Error("another keychain is in force")
	}
}

func TestReloadWhileRequestsAreServed(t *testing.T) {
	t.Parallel()
	s, path, _ := source(t)
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			for range 20 {
				if s := auth.Fixed(s.Keychain()); !trusts(t, s, alex()) && !trusts(t, s, jeff()) {
					t.Error("no keychain is in force")
				}
			}
		})
	}
	wait.Go(func() {
		for i := range 20 {
			write(t, path+".new", keychainFile([]party{jeff(), alex()}[i%2]))
			if err := os.Rename(path+".new", path); err != nil {
				t.Error(err)
			}
			s.Reload()
		}
	})
	wait.Wait()
}

func TestReloadRefusesAFileThatWouldLockEverybodyOut(t *testing.T) {
	t.Parallel()
	s, path, log := source(t)
	signers := "keychain:\n" + alex().entry() + "\n"
	for n, content := range []string{"", "\n\n", "# " + strings.ReplaceAll(keychainFile(alex()), "\n", "\n# "), "~", "{}", "jwt: {}", "keychain: {}\nscopes: {}", "keychain:\nscopes:\n", signers, signers + "scopes: {}", signers + "scopes:\n"} {
		write(t, path, content)
		s.Reload()
		if !trusts(t, s, alex()) {
			t.Errorf("%q: the keychain before is not in force", content)
		}
		if log.count("keychain file refused, the keychain before stays in force") != n+1 || log.count("nobody could call anything") != n+1 {
			t.Errorf("%q is not refused in the log: %s", content, &log.text)
		}
	}
	write(t, path, keychainFile(jeff()))
	s.Reload()
	if !trusts(t, s, jeff()) || trusts(t, s, alex()) {
		t.Error("a good file after that is not taken")
	}
}

func TestAServerMayStartWithoutSignersAndGetThemLater(t *testing.T) {
	t.Parallel()
	for _, content := range []string{"", "# nothing yet", "keychain: {}\njwt: {}\nscopes: {}\n"} {
		path, log := filepath.Join(t.TempDir(), "management_api.yml"), &journal{}
		write(t, path, content)
		s, err := auth.NewSource(path, slog.New(slog.NewTextHandler(log, nil)), writeLabels)
		if err != nil {
			t.Fatal(err)
		}
		if log.count("level=WARN") != 1 || log.count("nobody may call anything") != 1 {
			t.Errorf("%q: %s", content, &log.text)
		}
		write(t, path, content+"\n# still nothing")
		s.Reload()
		if log.count("level=ERROR") != 0 || log.count("level=WARN") != 1 {
			t.Errorf("%q, again: %s", content, &log.text)
		}
		write(t, path, keychainFile(alex()))
		s.Reload()
		if !trusts(t, s, alex()) {
			t.Errorf("%q: the signers that came are not in force: %s", content, &log.text)
		}
	}
}
