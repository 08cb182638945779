package server

import (
	"sync"
	"sync/atomic"
	"testing"
)

func TestNoMoreWorkIsBegunThanTheLimit(t *testing.T) {
	t.Parallel()
	w := work{limit: 3}
	var begun, refused atomic.Int64
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			if err := w.begin(); err != nil {
				refused.Add(1)
				return
			}
			begun.Add(1)
		})
	}
	group.Wait()
	if begun.Load() != 3 || refused.Load() != 17 || !w.full() {
		t.Errorf("%d were begun, %d refused", begun.Load(), refused.Load())
	}
	w.end()
	if err := w.begin(); !w.full() || err != nil {
		t.Errorf("a place that was given back: %v", err)
	}
}
