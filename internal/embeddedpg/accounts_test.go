package embeddedpg

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func requireRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("is about root, and this is not root")
	}
}

// processOwner returns the owner of the server's process.
func processOwner(t *testing.T, dir string) int {
	t.Helper()
	owner, err := ownerOfFolder(filepath.Join("/proc", processID(t, dir)))
	if err != nil {
		t.Skipf("this system does not show the owner of a process: %v", err)
	}
	return owner
}

func processID(t *testing.T, dir string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "data", "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	pid, _, _ := strings.Cut(string(text), "\n")
	return pid
}

func TestRootRunsTheServerAsAnOrdinaryUser(t *testing.T) {
	t.Parallel()
	requireRoot(t)
	dir := folder(t)
	start(t, options(dir))
	if processOwner(t, dir) == 0 {
		t.Error("runs as root")
	}
	if owner, err := ownerOfFolder(dir); err != nil || owner != 0 {
		t.Errorf("the folder with the log and the locks was given away to %d (%v)", owner, err)
	}
}

func TestRootRunsTheServerBehindAClosedFolderInANamespace(t *testing.T) {
	t.Parallel()
	requireRoot(t)
	requireNamespaces(t)
	closed := filepath.Join(folder(t), "closed")
	if err := os.Mkdir(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(closed, "postgres")
	s := start(t, options(dir))
	if owner := processOwner(t, dir); owner != 0 {
		t.Errorf("runs as user %d, who may not enter the folder", owner)
	}
	keep(t, s)
	stop(t, s)

	// Other users could use the opened folder; the data keeps its owner.
	if err := os.Chmod(closed, 0o755); err != nil {
		t.Fatal(err)
	}
	s = start(t, options(dir))
	if owner := processOwner(t, dir); owner != 0 {
		t.Errorf("the data went to user %d", owner)
	}
	checkKept(t, s)
}

func TestRootRunsClosedBinariesInANamespace(t *testing.T) {
	t.Parallel()
	requireRoot(t)
	requireNamespaces(t)
	c, err := openCluster(options(folder(t)))
	if err != nil {
		t.Fatal(err)
	}
	bin, err := c.findBinaries(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	closed := filepath.Join(folder(t), "closed")
	if err := os.Mkdir(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"postgres", "initdb"} {
		text := "#!/bin/sh\nexec " + bin.path(name) + " \"$@\"\n"
		if err := os.WriteFile(filepath.Join(closed, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	o := options(folder(t))
	o.BinDir = closed
	start(t, o)
	if owner := processOwner(t, o.Dir); owner != 0 {
		t.Errorf("runs as user %d, who may not execute the binaries", owner)
	}
}

// Data that an ordinary user made still belongs to that user after root has used it.
func TestRootRunsTheServerAsTheOwnerOfTheData(t *testing.T) {
	t.Parallel()
	requireRoot(t)
	dir := folder(t)
	s := start(t, options(dir))
	stop(t, s)
	owner := byID("an unnamed user", 4321, 4321)
	if err := giveTo(owner, filepath.Join(dir, "data")); err != nil {
		t.Fatal(err)
	}
	start(t, options(dir))
	if got := processOwner(t, dir); got != owner.uid {
		t.Errorf("runs as user %d, not as the owner", got)
	}
}

// The data gets a new owner when its owner can no longer reach it.
func TestDataIsGivenToWhoeverCanReachIt(t *testing.T) {
	t.Parallel()
	requireRoot(t)
	requireNamespaces(t)
	parent := folder(t)
	dir := filepath.Join(parent, "postgres")
	s := start(t, options(dir))
	keep(t, s)
	stop(t, s)
	if err := os.Chmod(parent, 0o700); err != nil {
		t.Fatal(err)
	}
	s = start(t, options(dir))
	checkKept(t, s)
	stop(t, s)
	err := filepath.WalkDir(filepath.Join(dir, "data"), func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := os.Lstat(path)
		if err == nil && info.Sys().(*syscall.Stat_t).Uid != 0 {
			t.Errorf("%s was left behind", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestRefusalToRunNamesEveryAttemptAndTheRemedies(t *testing.T) {
	t.Parallel()
	empty := binaries{dir: t.TempDir()}
	_, _, err := chooseAccount(t.Context(), empty, t.TempDir(), dataDir{})
	if err == nil {
		t.Fatal("programs that do not exist were found to run")
	}
	for _, a := range candidateAccounts(dataDir{}) {
		if !strings.Contains(err.Error(), "as "+a.name) {
			t.Errorf("the error does not tell of %s:\n%v", a.name, err)
		}
	}
	if !strings.Contains(err.Error(), "DATABASE_URL") {
		t.Errorf("the error has no remedy:\n%v", err)
	}
}

func TestServerGetsNoneOfOurPostgresVariables(t *testing.T) {
	t.Setenv("PGPORT", "1")
	t.Setenv("PGDATA", "/nowhere")
	t.Setenv("LC_ALL", "xx_XX")
	t.Setenv("TZ", "Europe/Berlin")
	cmd := exec.Command("env")
	cmd.Env = environment()
	output, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, unwanted := range []string{"PGPORT", "PGDATA", "xx_XX", "Berlin"} {
		if strings.Contains(string(output), unwanted) {
			t.Errorf("%s is in\n%s", unwanted, output)
		}
	}
}
