package tests

import (
	"bytes"
	"math/rand/v2"
	"time"
)

// runKilled runs an import of so many bytes or users, kills it n times at random points, and lets it end with
// this status. The points are places of the import and not times, so that a fast machine is killed as well; one
// that is through before all kills must have been killed half as often.
func (b bulkFile) runKilled(n int, size int64, status int, args ...string) {
	b.t.Helper()
	b.run(0, "migrate", "up")
	for killed := 0; ; killed++ {
		c := command(b.t, b.settings, args...)
		var stderr bytes.Buffer
		c.Stderr = &stderr
		if err := c.Start(); err != nil {
			b.t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- c.Wait() }()
		if killed < n {
			if killed%3 > 0 { // the others are killed as soon as they have started
				goal := b.imported() + rand.Int64N(size/int64(4*n))
				until(b.t, time.Minute, "gone on", func() bool { return b.imported() > goal || len(ended) > 0 })
			}
			time.Sleep(rand.N(20 * time.Millisecond))
			_ = c.Process.Kill()
		}
		<-ended
		if c.ProcessState.Exited() {
			if got := c.ProcessState.ExitCode(); got != status || killed < n/2 {
				b.t.Fatalf("ended with %d after %d kills, want %d: %s", got, killed, status, &stderr)
			}
			return
		}
	}
}

// imported is how far the import has come that has not ended, in bytes or users; 0 before its first batch.
func (b bulkFile) imported() int64 {
	b.t.Helper()
	return b.count("SELECT coalesce(max(position) FILTER (WHERE finished_at IS NULL), 0) FROM import_runs")
}
