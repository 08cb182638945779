package main

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// measurement is what came of sending requests for a while.
type measurement struct {
	requests  int
	failures  int
	failure   string // one of them
	elapsed   time.Duration
	latencies []time.Duration
	server    time.Duration // CPU time
	database  time.Duration
	client    time.Duration
	resident  int64 // bytes of the server at the end
}

func (m measurement) rate() float64 {
	if m.elapsed == 0 {
		return 0
	}
	return float64(m.requests) / m.elapsed.Seconds()
}

// percentile sorts the latencies.
func (m measurement) percentile(p float64) time.Duration {
	if len(m.latencies) == 0 {
		return 0
	}
	slices.Sort(m.latencies)
	return m.latencies[min(len(m.latencies)-1, int(p*float64(len(m.latencies))))]
}

// add makes one measurement of two.
func (m *measurement) add(other measurement) {
	m.requests += other.requests
	m.failures += other.failures
	if m.failure == "" {
		m.failure = other.failure
	}
	m.elapsed += other.elapsed
	m.latencies = append(m.latencies, other.latencies...)
	m.server += other.server
	m.database += other.database
	m.client += other.client
	m.resident = max(m.resident, other.resident)
}

// barrage is requests, and how they are sent.
type barrage struct {
	requests    []request
	connections int
	duration    time.Duration
	once        bool // each request a single time: it ends when there are no more
	unit        int  // how many requests belong together and are sent all or not at all
}

// run sends the requests. Each connection has a run of neighbours of its own, and
// sends one when the last is answered. database are the processes of that.
func (l barrage) run(s *served, database []int) (measurement, error) {
	clients := make([]*client, l.connections)
	for i := range clients {
		var err error
		if clients[i], err = dial(s.address); err != nil {
			return measurement{}, err
		}
		defer clients[i].close()
	}
	results := make([]measurement, l.connections)
	var over atomic.Bool
	var group sync.WaitGroup
	serverBefore, _ := cpuOf(s.pid())
	databaseBefore, _ := cpuOf(database...)
	clientBefore, _ := cpuOf(selfPID)
	began := time.Now()
	timer := time.AfterFunc(l.duration, func() { over.Store(true) })
	defer timer.Stop()
	var broken atomic.Pointer[error]
	for i, c := range clients {
		units := len(l.requests) / l.unit
		share := l.requests[i*units/l.connections*l.unit : (i+1)*units/l.connections*l.unit]
		group.Go(func() {
			if err := l.send(c, share, &results[i], &over); err != nil {
				broken.Store(&err)
			}
		})
	}
	group.Wait()
	total := measurement{elapsed: time.Since(began)}
	server, _ := cpuOf(s.pid())
	databaseAfter, _ := cpuOf(database...)
	own, _ := cpuOf(selfPID)
	total.server, total.database, total.client = server-serverBefore, databaseAfter-databaseBefore, own-clientBefore
	total.resident, _ = residentOf(s.pid())
	for _, result := range results {
		total.requests += result.requests
		total.failures += result.failures
		total.latencies = append(total.latencies, result.latencies...)
		if result.failure != "" {
			total.failure = result.failure
		}
	}
	if err := broken.Load(); err != nil {
		return total, *err
	}
	return total, nil
}

func (l barrage) send(c *client, share []request, result *measurement, over *atomic.Bool) error {
	for i := 0; len(share) > 0; i++ {
		if i%l.unit == 0 && over.Load() {
			return nil
		}
		if i == len(share) {
			if l.once {
				// The first connection that has no more ends it for all, so that the number
				// of connections is what it says.
				over.Store(true)
				return nil
			}
			i = 0
		}
		began := time.Now()
		status, body, err := c.do(share[i], false)
		result.latencies = append(result.latencies, time.Since(began))
		if err != nil {
			return err
		}
		result.requests++
		if status < 200 || status > 299 {
			result.failures++
			result.failure = fmt.Sprintf("%d %s", status, body)
		}
	}
	return nil
}
