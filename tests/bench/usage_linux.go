package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// tick is the unit of CPU time in /proc, which is 1/100 s on every Linux that Go
// runs on (proc(5), sysconf _SC_CLK_TCK).
const tick = 10 * time.Millisecond

// cpuOf is the CPU time that processes have used, those of their ended children
// included.
func cpuOf(pids ...int) (time.Duration, bool) {
	var sum int64
	for _, pid := range pids {
		fields, ok := stat(pid)
		if !ok {
			continue // it has ended
		}
		for _, i := range []int{11, 12, 13, 14} { // utime stime cutime cstime
			n, err := strconv.ParseInt(string(fields[i]), 10, 64)
			if err != nil {
				return 0, false
			}
			sum += n
		}
	}
	return time.Duration(sum) * tick, true
}

// stat is the fields of /proc/PID/stat from the state on, the third.
func stat(pid int) ([][]byte, bool) {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil, false
	}
	// The name, in brackets, may hold anything.
	fields := bytes.Fields(content[bytes.LastIndexByte(content, ')')+1:])
	return fields, len(fields) > 14
}

// family is the parent of a process, if that is a Postgres too, and all its
// children: every process of a database server, told by one of its backends.
func family(backend int) []int {
	fields, ok := stat(backend)
	if !ok {
		return nil
	}
	name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", backend))
	if err != nil || !bytes.HasPrefix(name, []byte("postgres")) {
		return nil // it runs elsewhere
	}
	parent, err := strconv.Atoi(string(fields[1]))
	if err != nil {
		return nil
	}
	pids := []int{parent}
	entries, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return nil
	}
	for _, entry := range entries {
		pid, err := strconv.Atoi(filepath.Base(entry))
		if err != nil {
			continue
		}
		if fields, ok := stat(pid); ok && string(fields[1]) == strconv.Itoa(parent) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// openOf is how many files and connections a process has open, and how many
// threads.
func openOf(pid int) (files, threads int) {
	descriptors, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	tasks, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	return len(descriptors), len(tasks)
}

// residentOf is the memory of a process that is in RAM, and the most there was,
// in bytes.
func residentOf(pid int) (now, peak int64) {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, 0
	}
	for line := range bytes.Lines(content) {
		fields := bytes.Fields(line)
		if len(fields) < 2 {
			continue
		}
		kibibytes, err := strconv.ParseInt(string(fields[1]), 10, 64)
		if err != nil {
			continue
		}
		switch string(fields[0]) {
		case "VmRSS:":
			now = kibibytes << 10
		case "VmHWM:":
			peak = kibibytes << 10
		}
	}
	return now, peak
}
