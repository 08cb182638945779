package faults

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// cgroup is a control group of Linux whose memory is bounded: the kernel kills a
// process in it that takes more.
type cgroup struct {
	t    testing.TB
	dir  string // empty where this machine gives none: then only the peak is held against the bound
	peak string // the file with the most that was ever taken
}

// newCgroup makes one, by version 2 or 1 of the interface, whichever is there.
func newCgroup(t testing.TB, limit int) cgroup {
	t.Helper()
	name := fmt.Sprintf("barong-test-%d-%d", os.Getpid(), time.Now().UnixNano())
	for _, version := range []struct{ root, probe, limit, peak string }{
		{"/sys/fs/cgroup", "cgroup.controllers", "memory.max", "memory.peak"},
		{"/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.limit_in_bytes", "memory.max_usage_in_bytes"},
	} {
		if _, err := os.Stat(filepath.Join(version.root, version.probe)); err != nil {
			continue
		}
		dir := filepath.Join(version.root, name)
		if os.Mkdir(dir, 0o755) != nil {
			continue
		}
		t.Cleanup(func() { _ = os.Remove(dir) })
		if os.WriteFile(filepath.Join(dir, version.limit), []byte(strconv.Itoa(limit)), 0o644) != nil {
			continue // the controller is not handed on to this group
		}
		return cgroup{t, dir, filepath.Join(dir, version.peak)}
	}
	t.Log("no control group can be made here: the bound is held against the peak only")
	return cgroup{t: t}
}

// prefix runs a command in the group.
func (g cgroup) prefix() []string {
	if g.dir == "" {
		return nil
	}
	return []string{"sh", "-c", `echo $$ >"` + g.dir + `/cgroup.procs" && exec "$@"`, "sh"}
}

// taken is the most that the group took at a time, the kernel's part for its sockets
// and files included; 0 where there is no group.
func (g cgroup) taken() int {
	text, err := os.ReadFile(g.peak)
	if errors.Is(err, fs.ErrNotExist) {
		return 0
	}
	if err != nil {
		g.t.Fatal(err)
	}
	bytes, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		g.t.Fatal(err)
	}
	return bytes
}

// peak is the most memory that a running process had, in bytes; 0 where the system
// does not say.
func peak(pid int) int {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	var kilobytes int
	if _, after, found := strings.Cut(string(status), "VmHWM:"); found {
		_, _ = fmt.Sscan(after, &kilobytes)
	}
	return kilobytes << 10
}
