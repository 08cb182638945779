package embeddedpg

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"
)

// account is an operating-system identity that PostgreSQL may run as.
type account struct {
	name     string // for error messages
	uid, gid int    // owner of its files, as this process sees it
	attr     syscall.SysProcAttr
}

// command runs a program of PostgreSQL as the account, in the folder dir. The program gets its own
// process group: Ctrl-C in a terminal then reaches only this process, which decides when the server
// stops. When ctx ends, the whole group is killed.
func (a account) command(ctx context.Context, dir, path string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, path, args...) //nolint:gosec // G702: the operator says where PostgreSQL's programs are
	cmd.Dir = dir
	cmd.Env = environment()
	attr := a.attr
	attr.Setpgid = true
	cmd.SysProcAttr = &attr
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	return cmd
}

// inherited are the variables of this process that a program needs to be found and loaded, and to
// find its folders.
var inherited = []string{"PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"}

// environment is the environment of PostgreSQL's programs: without variables that they take for
// settings, without secrets of this process, which other processes of the same user could read, and
// with a locale that every machine has.
func environment() []string {
	var env []string
	for _, name := range inherited {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return append(env, "LC_ALL=C", "TZ=UTC")
}

// candidateAccounts returns the accounts that can run PostgreSQL in this process's situation, in
// the order in which to try them. The owner of the data comes first, because then the owner need
// not change.
func candidateAccounts(have dataDir) []account {
	if uid := os.Geteuid(); uid != 0 {
		self := account{name: "user " + strconv.Itoa(uid), uid: uid, gid: os.Getegid()}
		if _, err := user.LookupId(strconv.Itoa(uid)); err != nil {
			// Unlike the server, initdb requires a user with a name.
			if list := inNamespace(); !have.exists && len(list) > 0 {
				return list
			}
		}
		return []account{self}
	}
	var list []account
	for _, name := range []string{"postgres", "nobody"} {
		if a, ok := byName(name); ok {
			list = append(list, a)
		}
	}
	switch {
	case have.exists && have.uid == 0:
		return append(inNamespace(), list...)
	case have.exists:
		list = append([]account{byID("the owner of the data directory", have.uid, have.gid)}, list...)
	}
	return append(list, inNamespace()...)
}

func byID(name string, uid, gid int) account {
	return account{name: name, uid: uid, gid: gid, attr: syscall.SysProcAttr{
		Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, //nolint:gosec // G115: ids have 32 bits, see byName and inspectData
	}}
}

func byName(name string) (account, bool) {
	u, err := user.Lookup(name)
	if err != nil {
		return account{}, false
	}
	uid, uidErr := strconv.ParseUint(u.Uid, 10, 32)
	gid, gidErr := strconv.ParseUint(u.Gid, 10, 32)
	if uidErr != nil || gidErr != nil || uid == 0 {
		return account{}, false
	}
	return byID("user "+name, int(uid), int(gid)), true
}

// chooseAccount returns the first account that can access all files, and the folder of its socket.
func chooseAccount(ctx context.Context, bin binaries, clusterDir string, have dataDir) (as account, socket string, err error) {
	var failures []error
	for _, a := range candidateAccounts(have) {
		socket, err := makeSocketDir(clusterDir, a)
		if err == nil {
			if err = a.probe(ctx, bin, clusterDir, socket); err == nil {
				return a, socket, nil
			}
			_ = os.Remove(socket)
		}
		failures = append(failures, fmt.Errorf("  as %s: %w", a.name, err))
	}
	return account{}, "", fmt.Errorf("PostgreSQL cannot run here. Tried:\n%w\nOne of these helps:\n"+
		"  - set DATABASE_URL to the PostgreSQL server to use\n"+
		"  - start barong as an ordinary user, who has a name in /etc/passwd and owns the data folder\n"+
		"  - put the data folder and the binaries where the users postgres or nobody may go",
		errors.Join(failures...))
}

// probe checks whether the account can execute both binaries and enter both folders by doing so,
// instead of evaluating modes and owners.
func (a account) probe(ctx context.Context, bin binaries, clusterDir, socket string) error {
	if err := run(a.command(ctx, clusterDir, bin.path("postgres"), "--version")); err != nil {
		return fmt.Errorf("in %s: %w", clusterDir, err)
	}
	if err := run(a.command(ctx, socket, bin.path("initdb"), "--version")); err != nil {
		return fmt.Errorf("in %s: %w", socket, err)
	}
	return nil
}
