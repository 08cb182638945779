package embeddedpg

import (
	"bufio"
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

func TestServerOfAKilledProcessIsFoundUsedAndStopped(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	url := startAndKill(t, dir)
	pid := postmasterPID(t, dir)
	if !reachable(t, url) {
		t.Fatal("the server died with the process that started it")
	}

	s := start(t, options(dir))
	if got := postmasterPID(t, dir); got != pid {
		t.Errorf("a new server was started: %d, not %d", got, pid)
	}
	stop(t, s)
	if reachable(t, url) {
		t.Error("the last user's Stop left the server running")
	}
}

// startAndKill lets another process start the server of dir, and kills it.
func startAndKill(t *testing.T, dir string) (url string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	helper := exec.Command(self)
	helper.Env = append(os.Environ(), helperDir+"="+dir)
	output, err := helper.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := helper.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(output)
	lines.Scan()
	if err := helper.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = helper.Wait()
	if !strings.HasPrefix(lines.Text(), "postgres://") {
		t.Fatalf("the helper says %q", lines.Text())
	}
	return lines.Text()
}

func TestLastOfSeveralUsersStopsTheServer(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	first := start(t, options(dir))
	second := start(t, options(dir))
	if first.URL() != second.URL() {
		t.Fatalf("two servers: %s and %s", first.URL(), second.URL())
	}
	stop(t, first) // the one that started it
	if !reachable(t, second.URL()) {
		t.Fatal("the server was stopped under its other user")
	}
	stop(t, second)
	if reachable(t, second.URL()) {
		t.Error("the last user's Stop left the server running")
	}
}

func TestStartsAtOnceShareOneServer(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	servers := make([]*Server, 4)
	var group sync.WaitGroup
	for i := range servers {
		group.Go(func() {
			var err error
			if servers[i], err = Start(t.Context(), options(dir)); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	for _, s := range servers {
		if s == nil {
			continue
		}
		defer stop(t, s)
		if s.URL() != servers[0].URL() || !reachable(t, s.URL()) {
			t.Errorf("%s and %s are not one running server", s.URL(), servers[0].URL())
		}
	}
}

func TestServerThatWasKilledIsStartedAnew(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	var log syncBuffer
	o := options(dir)
	o.Logger = slog.New(slog.NewTextHandler(&log, nil))
	s := start(t, o)
	keep(t, s)
	if err := syscall.Kill(postmasterPID(t, dir), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	again := start(t, options(dir)) // waits for the remaining processes of the postmaster
	checkKept(t, again)
	if !strings.Contains(log.String(), "has ended") {
		t.Errorf("the end of the server was not logged: %s", log.String())
	}
}

// syncBuffer collects the writes of several goroutines.
type syncBuffer struct {
	mutex  sync.Mutex
	buffer bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.buffer.Write(p)
}

func (b *syncBuffer) String() string {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.buffer.String()
}

func TestStalePIDFileDoesNotHinder(t *testing.T) {
	t.Parallel()
	for name, program := range map[string][]string{
		"the process is dead":                     {"true"},
		"the process id is another program's now": {"sleep", "60"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := folder(t)
			s := start(t, options(dir))
			stop(t, s)
			data := filepath.Join(dir, "data")
			pid := runAsOwner(t, data, program...)
			content := fmt.Sprintf("%d\n%s\n%d\n%s\n%s\n\n", pid, data, time.Now().Unix(), port, s.socket)
			if err := os.Mkdir(s.socket, 0o700); err != nil {
				t.Fatal(err)
			}
			giveBack(t, s.socket, data)
			for _, path := range []string{
				filepath.Join(data, "postmaster.pid"),
				filepath.Join(s.socket, socketName),
				filepath.Join(s.socket, socketName+".lock"),
			} {
				writeFile(t, path, content)
				giveBack(t, path, data)
			}
			start(t, options(dir))
		})
	}
}

// runAsOwner starts a program as the owner of the data directory, which is the server's user:
// PostgreSQL takes only that user's processes for another server. It returns the process id, which
// is that of a dead process when the program ends by itself.
func runAsOwner(t *testing.T, data string, program ...string) (pid int) {
	t.Helper()
	have, err := inspectData(data)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program[0], program[1:]...)
	if os.Geteuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(have.uid), Gid: uint32(have.gid)}}
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if program[0] == "true" {
		_ = cmd.Wait()
	} else {
		t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	}
	return cmd.Process.Pid
}

// giveBack makes the owner of the data directory the owner of a file.
func giveBack(t *testing.T, path, data string) {
	t.Helper()
	have, err := inspectData(data)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Lchown(path, have.uid, have.gid); err != nil {
		t.Fatal(err)
	}
}

func TestCtrlCInATerminalDoesNotReachTheServer(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	start(t, options(dir))
	group, err := syscall.Getpgid(postmasterPID(t, dir))
	if err != nil || group == syscall.Getpgrp() {
		t.Errorf("the server is in process group %d, which is ours (%v)", group, err)
	}
}

func TestServerStartedByHandIsNotDisturbed(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	s := start(t, options(dir))
	// Without its lock a running server looks like one that was started by hand.
	path := filepath.Join(dir, runningLock)
	if err := os.Rename(path, path+".aside"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.Rename(path+".aside", path); err != nil {
			t.Error(err)
		}
	})
	if _, err := Start(t.Context(), options(dir)); err == nil || !strings.Contains(err.Error(), "by hand") {
		t.Errorf("got %v", err)
	}
	if !reachable(t, s.URL()) {
		t.Error("the server that runs was disturbed")
	}
}
