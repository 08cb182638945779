//go:build unix

package app

import "syscall"

// openFileLimit returns the process's limit of open files, or 0 if it is unknown.
func openFileLimit() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0
	}
	return int(min(limit.Cur, 1<<30))
}
