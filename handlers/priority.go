package handlers

import (
	"os"
	"runtime"
	"sync"
)

// aside runs work that takes the processor for long, and returns when it is done.
// It gets a thread of its own, to which the operating system prefers all others
// (Linux only), and while such work is being done the Go scheduler runs that many
// goroutines more at once: left to itself it would let a request wait, 10 ms each
// time, for work that it cannot tell from another request.
func aside(work func()) {
	release := spare.take()
	defer release()
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlocked: so the thread ends with its goroutine
		yieldToOthers()
		work()
	}()
	<-done
}

// processors are what the Go scheduler runs goroutines on: GOMAXPROCS of them.
type processors struct {
	mutex   sync.Mutex
	taken   int
	regular int // how many there are when none is taken; 0 where that is left alone
}

var spare processors

// take adds as many processors as the machine has, until everything that was taken
// is released. Where there are fewer than the machine has, somebody has limited
// them, by hand or with the quota of a container, and they stay as they are: what
// runs beyond a quota is made to stop, requests included.
func (p *processors) take() (release func()) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.taken == 0 {
		p.regular = 0
		if now := runtime.GOMAXPROCS(0); hasPriorities && now == runtime.NumCPU() && os.Getenv("GOMAXPROCS") == "" {
			p.regular = now
			runtime.GOMAXPROCS(2 * now)
		}
	}
	p.taken++
	return p.release
}

func (p *processors) release() {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.taken--
	if p.taken == 0 && p.regular > 0 {
		runtime.SetDefaultGOMAXPROCS() // which follows the limits of a container again
	}
}
