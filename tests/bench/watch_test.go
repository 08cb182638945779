package main

import (
	"strings"
	"testing"
	"time"
)

func TestVerdictNamesWhatGrewAndWhatWasTooSlow(t *testing.T) {
	t.Parallel()
	steady := sample{pool: 16, held: [len(held)]float64{residentMemory: 80 << 20, heapMemory: 40 << 20, goroutines: 80, threads: 9, files: 90, pooledOpen: 8, backendsOpen: 8}}
	quiet := sample{pool: 16, held: [len(held)]float64{residentMemory: 30 << 20, goroutines: 15, files: 20, pooledOpen: 1, backendsOpen: 1}}
	for name, c := range map[string]struct {
		grows  int     // what is held that
		by     float64 // from sample to sample
		after  func(*sample)
		answer func(*tally)
		want   string
	}{
		"nothing":                  {},
		"the pool is filled":       {grows: pooledOpen, by: 0.08},
		"memory":                   {grows: residentMemory, by: 1 << 20, want: "RSS MB grew"},
		"goroutines":               {grows: goroutines, by: 1, want: "goroutines grew"},
		"files":                    {grows: files, by: 1, want: "files grew"},
		"connections":              {grows: backendsOpen, by: 1, want: "backends grew"},
		"goroutines that are left": {after: func(s *sample) { s.held[goroutines] = 50 }, want: "35 goroutines more were left"},
		"files that are left":      {after: func(s *sample) { s.held[files] = 50 }, want: "30 files more were left"},
		"files of the pool":        {after: func(s *sample) { s.held[files], s.held[pooledOpen] = 35, 16 }},
		"a fault of the server":    {after: func(s *sample) { s.internal = 1 }, want: "1 faults"},
		"slow requests": {answer: func(t *tally) {
			for range 20 {
				t.answered("get by uid", 201, time.Second)
			}
		}, want: "99 of 100 requests took"},
		"slow sign-ups":  {answer: func(t *tally) { t.answered(createUser, 201, time.Second) }},
		"a 503":          {answer: func(t *tally) { t.answered("import", 503, time.Millisecond) }, want: "import was answered 503"},
		"a broken reply": {answer: func(t *tally) { t.fail("EOF") }, want: "1 requests failed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var samples []sample
			for i := range 100 {
				s := steady
				s.at = time.Duration(i) * sampleEvery
				s.held[c.grows] += float64(i) * c.by
				samples = append(samples, s)
			}
			var total tally
			for range 1000 {
				total.answered("get by uid", 201, 2*time.Millisecond)
			}
			after := quiet
			if c.after != nil {
				c.after(&after)
			}
			if c.answer != nil {
				c.answer(&total)
			}
			err := verdict(total, samples, quiet, after)
			if (c.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}
