package main

import (
	"fmt"
	"time"
)

// tally is what came of the requests of a while.
type tally struct {
	requests  latencies // all but those that hash a password
	signUps   latencies
	kinds     map[string]*latencies // of all, by what was asked
	abandoned int
	failures  int
	failure   string // the first of them
}

func (t *tally) answered(kind string, status int, took time.Duration) {
	t.of(kind).add(took)
	if kind == createUser {
		t.signUps.add(took)
	} else {
		t.requests.add(took)
	}
	if status < 200 || status > 299 {
		t.fail(fmt.Sprintf("%s was answered %d", kind, status))
	}
}

func (t *tally) of(kind string) *latencies {
	if t.kinds == nil {
		t.kinds = map[string]*latencies{}
	}
	if t.kinds[kind] == nil {
		t.kinds[kind] = &latencies{}
	}
	return t.kinds[kind]
}

func (t *tally) fail(what string) {
	if t.failures == 0 {
		t.failure = what
	}
	t.failures++
}

func (t *tally) add(other tally) {
	t.requests.merge(&other.requests)
	t.signUps.merge(&other.signUps)
	for kind, l := range other.kinds {
		t.of(kind).merge(l)
	}
	t.abandoned += other.abandoned
	if t.failures == 0 {
		t.failure = other.failure
	}
	t.failures += other.failures
}

// latencies counts how long things took, in steps of a tenth of a millisecond up
// to ten seconds.
type latencies struct {
	counts []int
	sum    int
}

const (
	latencyStep  = 100 * time.Microsecond
	latencySteps = 100_000
)

func (l *latencies) add(took time.Duration) {
	if l.counts == nil {
		l.counts = make([]int, latencySteps)
	}
	l.counts[min(int(took/latencyStep), latencySteps-1)]++
	l.sum++
}

func (l *latencies) merge(other *latencies) {
	if l.counts == nil {
		l.counts = make([]int, latencySteps)
	}
	for i, n := range other.counts {
		l.counts[i] += n
	}
	l.sum += other.sum
}

// percentile is a duration that this part of all stayed under.
func (l *latencies) percentile(part float64) time.Duration {
	seen, wanted := 0, int(part*float64(l.sum))
	for i, n := range l.counts {
		if seen += n; seen > wanted {
			return time.Duration(i+1) * latencyStep
		}
	}
	return 0
}

func milliseconds(d time.Duration) float64 { return d.Seconds() * 1e3 }
