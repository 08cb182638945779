package tests

import (
	"bytes"
	"testing"
	"time"

	"barong/internal/barongdb/barongtest"
)

// movedByBenchmark is the number of users of BenchmarkMoveIn, each with three labels, a phone and a
// profile.
const movedByBenchmark = 500_000

// BenchmarkMoveIn imports users from MariaDB into an empty database, and again without changes.
func BenchmarkMoveIn(b *testing.B) {
	source := barongtest.MariaDB(b, barongtest.V23)
	source.Bulk(b, movedByBenchmark)
	for b.Loop() {
		m := newBulk(b)
		m.settings["BARONG_IMPORT_FROM"] = source.URL
		for _, name := range []string{"first", "unchanged"} {
			c := command(b, m.settings, "import", "--refused", m.dir+"/refused")
			began := time.Now()
			var out bytes.Buffer
			c.Stdout, c.Stderr = &out, &out
			peak := runMeasured(b, c)
			if !c.ProcessState.Success() {
				b.Fatalf("%v: %s", c.ProcessState, &out)
			}
			b.ReportMetric(time.Since(began).Seconds(), name+"-s")
			b.ReportMetric((c.ProcessState.UserTime() + c.ProcessState.SystemTime()).Seconds(), name+"-cpu-s")
			b.ReportMetric(float64(peak)/(1<<20), name+"-MB")
		}
	}
}
