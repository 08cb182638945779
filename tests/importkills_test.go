package tests

import (
	"bytes"
	"math/rand/v2"
	"time"
)

// runKilled runs an import of so many bytes or users, kills it n times at random points, and lets it end with
// this status. The points are places of the import and not times: a fast machine is killed as often as a slow one.
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
		if killed == n {
			_ = c.Wait()
			if got := c.ProcessState.ExitCode(); got != status {
				b.t.Fatalf("%d, want %d: %s", got, status, &stderr)
			}
			return
		}
		if killed%3 > 0 { // the others are killed before they have done anything
			goal := b.imported() + rand.Int64N(size/int64(2*n))
			until(b.t, time.Minute, "gone on", func() bool { return b.imported() > goal })
		}
		time.Sleep(rand.N(50 * time.Millisecond))
		_ = c.Process.Kill()
		_ = c.Wait()
		if status := c.ProcessState.ExitCode(); status >= 0 {
			b.t.Fatalf("ended with %d after %d kills: %s", status, killed, &stderr)
		}
	}
}

// imported is how far the import has come that has not ended, in bytes or users; 0 before its first batch.
func (b bulkFile) imported() int64 {
	b.t.Helper()
	return b.count("SELECT coalesce(max(position) FILTER (WHERE finished_at IS NULL), 0) FROM import_runs")
}
