package tests

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// inFolder runs a command that finds nothing but what is in the folder: the data
// directory is the default one, and no setting says more than settings does.
func inFolder(t *testing.T, folder string, settings map[string]string, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	c := command(t, settings, args...)
	c.Dir = folder
	var out, err bytes.Buffer
	c.Stdout, c.Stderr = &out, &err
	if failure := c.Run(); failure != nil && c.ProcessState == nil {
		t.Fatal(failure)
	}
	return out.String(), err.String(), c.ProcessState.ExitCode()
}

// commandsOnTheDatabase are all of them. The file of import is beside the folder.
func commandsOnTheDatabase(file string) [][]string {
	return [][]string{
		{"migrate", "status"},
		{"migrate", "up"},
		{"export"},
		{"export", "--secrets"},
		{"import", "--dry-run", file},
		{"import", file},
		{"otp", "status", "ID873B5CE1D2"},
		{"otp", "enroll", "ID873B5CE1D2", "--yes"},
		{"otp", "import", "ID873B5CE1D2", "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"},
		{"otp", "disable", "ID873B5CE1D2", "--yes"},
		{"documents", "verify"},
		{"documents", "sweep"},
		{"users", "recount"},
	}
}

func users(t *testing.T) (file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "users.ndjson")
	if err := os.WriteFile(file, []byte(`{"email": "ada@example.com", "password_digest": "`+digest+`"}`+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// left is what is in a folder.
func left(t *testing.T, folder string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(folder, "*"))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestCommandsInAFolderWithoutADatabaseSayWhatIsMissingAndMakeNothing(t *testing.T) {
	t.Parallel()
	for _, args := range commandsOnTheDatabase(users(t)) {
		t.Run(strings.Join(args[:min(2, len(args))], " "), func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			out, stderr, exit := inFolder(t, folder, nil, args...)
			if exit != 1 || out != "" || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, "DATABASE_URL is empty, and data/postgres has no database") {
				t.Errorf("%d %s%s", exit, out, stderr)
			}
			if found := left(t, folder); found != nil {
				t.Errorf("it made %v", found)
			}
		})
	}
}

// With a database, but not in the server's folder, a key that a command makes would be
// another than the server's: what it encrypts nobody could read.
func TestCommandsMakeNoKeysAndNoFolders(t *testing.T) {
	t.Parallel()
	settings := map[string]string{"DATABASE_URL": newDatabase(t)}
	for _, args := range commandsOnTheDatabase(users(t)) {
		folder := t.TempDir()
		_, stderr, exit := inFolder(t, folder, settings, args...)
		if found := left(t, folder); found != nil {
			t.Errorf("%v made %v", args, found)
		}
		missing := ""
		switch {
		case args[0] == "otp", len(args) == 2 && args[1] == "--secrets":
			missing = "BARONG_OTP_KEY is empty, and there is no file data/otp/secrets.key"
		case args[0] == "documents":
			missing = "BARONG_STORAGE_URL is empty, and the documents of a server are not in data/documents"
		}
		if missing != "" && (exit != 1 || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, missing)) || missing == "" && exit != 0 {
			t.Errorf("%v: %d %s", args, exit, stderr)
		}
	}
}

func TestImportOfASecretWithoutTheServersKeySaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "users.ndjson")
	content := `{"email": "ada@example.com", "password_digest": "` + digest + `", "otp": true, "otp_secret": "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"}` + "\n"
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	_, stderr, exit := inFolder(t, t.TempDir(), map[string]string{"DATABASE_URL": newDatabase(t)}, "import", file)
	if exit != 1 || !strings.Contains(stderr, "BARONG_OTP_KEY is empty") {
		t.Errorf("%d %s", exit, stderr)
	}
}

// The data directory of a server that has ended is used as it is.
func TestCommandsStartThePrivatePostgresOfAServerThatHasEnded(t *testing.T) {
	t.Parallel()
	settings := map[string]string{"BARONG_DATA_DIR": t.TempDir()}
	p := serve(t, settings)
	p.signal(syscall.SIGTERM)
	p.stops()
	for _, args := range commandsOnTheDatabase(users(t)) {
		out, stderr, exit := barong(t, settings, args...)
		if args[0] == "otp" {
			if exit != 1 || !strings.Contains(stderr, `there is no user "ID873B5CE1D2"`) {
				t.Errorf("%v: %d %s%s", args, exit, out, stderr)
			}
		} else if exit != 0 {
			t.Errorf("%v: %d %s%s", args, exit, out, stderr)
		}
	}
}

// A keychain is for others to call: their users would be gone with the folder.
func TestServerWithAKeychainAndWithoutADatabaseWarns(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	keychain := filepath.Join(dir, "management_api.yml")
	if err := os.WriteFile(keychain, []byte("keychain: {}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const warning = "BARONG_MANAGEMENT_API is set and DATABASE_URL is not"
	for _, c := range []struct {
		settings map[string]string
		warns    bool
	}{
		{map[string]string{"BARONG_MANAGEMENT_API": keychain}, true},
		{map[string]string{"BARONG_MANAGEMENT_API": keychain, "DATABASE_URL": newDatabase(t)}, false},
		{map[string]string{"DATABASE_URL": newDatabase(t)}, false},
	} {
		c.settings["BARONG_DATA_DIR"] = t.TempDir()
		p := serve(t, c.settings)
		p.signal(syscall.SIGTERM)
		p.stops()
		if got := strings.Contains(p.log.String(), warning); got != c.warns {
			t.Errorf("%v: warned %t\n%s", c.settings, got, p.log)
		}
	}
}
