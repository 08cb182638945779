package tests

import (
	"testing"
	"time"

	"barong/internal/journal"
	"barong/repository"
)

// sealedByBenchmark is the number of rows of BenchmarkJournal.
const sealedByBenchmark = 100_000

// BenchmarkJournal seals rows over one connection, verifies them, and prunes half of them while other rows
// are sealed.
func BenchmarkJournal(b *testing.B) {
	for b.Loop() {
		pool := newPool(b, newDatabase(b))
		repo := repository.New(pool)
		perSecond := func(name string, rows int64, work func()) {
			began := time.Now()
			work()
			b.ReportMetric(float64(rows)/time.Since(began).Seconds(), name+"-rows/s")
		}
		fillInbox(b, pool, sealedByBenchmark)
		var head repository.JournalHead
		perSecond("seal", sealedByBenchmark, func() { head = seal(b, repo) })

		counts, err := repo.JournalTileCounts(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		what := journal.Verification{Size: head.Size, Epoch: head.Epoch, TileCounts: map[int]int64{}}
		for _, level := range counts {
			what.TileCounts[level.Level] = level.Count
		}
		perSecond("verify", head.Size, func() {
			found, err := journal.Verify(b.Context(), repo, what)
			if err != nil || found.Rows != head.Size {
				b.Fatalf("%d rows are read, %v", found.Rows, err)
			}
		})

		fillInbox(b, pool, sealedByBenchmark)
		pruned := make(chan error, 1)
		var removed int64
		record := newRecord(b)
		began := time.Now()
		var took time.Duration
		go func() {
			err := repo.Prune(b.Context(), sealedByBenchmark-1, record, func(rows int64) { removed += rows })
			took = time.Since(began)
			pruned <- err
		}()
		perSecond("seal-beside-prune", sealedByBenchmark, func() {
			for head.Size < 2*sealedByBenchmark { // a pass seals nothing while the sweep has the lock of the head
				head = seal(b, repo)
			}
		})
		if err := <-pruned; err != nil || removed != sealedByBenchmark-1 {
			b.Fatalf("%d rows are pruned, %v", removed, err)
		}
		b.ReportMetric(float64(removed)/took.Seconds(), "prune-rows/s")
	}
}
