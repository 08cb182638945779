package tests

import (
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

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

// BenchmarkSealingUnderASnapshot reports how long rows wait to be sealed where a snapshot, as that of a dump, is held
// for an hour at a thousand writes a second, so that none of the rows sealed since is removed from the inbox.
func BenchmarkSealingUnderASnapshot(b *testing.B) {
	const perSecond, before, measured = 1000, time.Hour, 30 * time.Second
	const sealInterval = 200 * time.Millisecond // of a server
	for b.Loop() {
		pool := newPool(b, newDatabase(b))
		repo := repository.New(pool)
		dump, err := pool.BeginTx(b.Context(), pgx.TxOptions{IsoLevel: pgx.RepeatableRead})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := dump.Exec(b.Context(), "SELECT count(*) FROM users"); err != nil {
			b.Fatal(err)
		}
		var head repository.JournalHead
		for rows := 0; rows < perSecond*int(before.Seconds()); rows += 100_000 {
			fillInbox(b, pool, 100_000)
			head = seal(b, repo)
		}
		var writing sync.WaitGroup
		writing.Go(func() {
			const interval = 20 * time.Millisecond
			pace := time.NewTicker(interval)
			defer pace.Stop()
			for range int(measured / interval) {
				<-pace.C
				fillInbox(b, pool, int(perSecond*interval/time.Second))
			}
		})
		var longest, sealing time.Duration
		passes := 0
		for last := head.Size + perSecond*int64(measured.Seconds()); head.Size < last; time.Sleep(sealInterval) {
			from, began := head.Size, time.Now()
			if head, _, err = repo.Seal(b.Context(), head); err != nil {
				b.Fatal(err)
			}
			if head.Size == from {
				continue
			}
			ended := time.Now()
			passes++
			sealing += ended.Sub(began)
			var oldest time.Time
			if err := pool.QueryRow(b.Context(), "SELECT min(written_at) FROM journal WHERE seq > $1", from).Scan(&oldest); err != nil {
				b.Fatal(err)
			}
			longest = max(longest, ended.Sub(oldest))
		}
		writing.Wait()
		b.ReportMetric(longest.Seconds(), "longest-wait-s")
		b.ReportMetric(sealing.Seconds()/float64(passes), "pass-s")
		if err := dump.Rollback(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
