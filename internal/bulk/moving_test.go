package bulk

import (
	"testing"
	"time"

	"barong/internal/barongdb/barongtest"
	"barong/internal/identity"
)

func BenchmarkUserOfBarong(b *testing.B) {
	user := barongtest.BulkUser(1)
	i := &importing{Options: Options{Policy: identity.DefaultPolicy(), HoldStates: true}, sourceName: "a"}
	now := time.Now()
	b.ReportAllocs()
	for b.Loop() {
		r := &row{line: 1, barong: &user}
		if err := i.checkRow(b.Context(), r, now); err != nil || len(r.sentences) > 0 {
			b.Fatal(err, r.sentences)
		}
	}
}
