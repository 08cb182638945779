//go:build unix

package app

import "syscall"

// openFileLimit is how many files the process may open; 0 where nobody knows.
func openFileLimit() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0
	}
	return int(min(limit.Cur, 1<<30))
}
