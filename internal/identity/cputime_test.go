package identity_test

import (
	"syscall"
	"testing"
	"time"
)

// cpuTime returns how long the processor works while f runs: the first of three times that is within most, or the
// least of them, since what else the process does only adds to it. Unlike the time of the clock, it is not longer
// on a loaded machine. A test that uses it must not run in parallel.
func cpuTime(t testing.TB, most time.Duration, f func()) time.Duration {
	t.Helper()
	used := func() time.Duration {
		var usage syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
			t.Fatal(err)
		}
		return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
	}
	least := time.Hour
	for n := 0; n < 3 && least > most; n++ {
		before := used()
		f()
		least = min(least, used()-before)
	}
	return least
}
