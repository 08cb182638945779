package barongdb_test

import (
	"testing"
	"time"

	"barong/internal/barongdb/barongtest"
)

// benchmarkUsers is enough for the pages of a table to be no longer in one page of an index.
const benchmarkUsers = 50_000

// BenchmarkUsers reads users with three labels, a phone and a profile each, and reports users per second.
func BenchmarkUsers(b *testing.B) {
	d := barongtest.MariaDB(b, barongtest.V23)
	d.Bulk(b, benchmarkUsers)
	db := open(b, d)
	b.ReportAllocs()
	read, began := 0, time.Now()
	for b.Loop() {
		for _, err := range db.Users(b.Context(), 0) {
			if err != nil {
				b.Fatal(err)
			}
			read++
		}
	}
	b.ReportMetric(float64(read)/time.Since(began).Seconds(), "users/s")
	b.ReportMetric(0, "ns/op")
}
