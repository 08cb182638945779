package identity_test

import (
	"syscall"
	"testing"
	"time"
)

// cpuTime returns how long the processor works while f runs. Unlike the time of the clock, it is not longer
// on a loaded machine. A test that uses it must not run in parallel.
func cpuTime(t testing.TB, f func()) time.Duration {
	t.Helper()
	used := func() time.Duration {
		var usage syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
			t.Fatal(err)
		}
		return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
	}
	before := used()
	f()
	return used() - before
}
