package handlers

import (
	"runtime"
	"syscall"
	"testing"
)

// niceness is that of the calling thread.
func niceness(t *testing.T) int {
	t.Helper()
	priority, err := syscall.Getpriority(syscall.PRIO_PROCESS, syscall.Gettid())
	if err != nil {
		t.Error(err)
	}
	return 20 - priority // as the system call has it
}

func TestWorkAsideYieldsToEverybody(t *testing.T) {
	var inside, working int
	before := runtime.GOMAXPROCS(0)
	aside(func() { inside, working = niceness(t), runtime.GOMAXPROCS(0) })
	if inside != leastPriority {
		t.Errorf("its thread has the niceness %d", inside)
	}
	if before == runtime.NumCPU() && working != 2*before {
		t.Errorf("requests share %d processors with it", working)
	}
	for range 100 { // threads of the others, whichever
		done := make(chan int)
		go func() { done <- niceness(t) }()
		if others := <-done; others == leastPriority {
			t.Fatal("a thread that has yielded serves others afterwards")
		}
	}
}

func TestProcessorsAreGivenBack(t *testing.T) {
	before := runtime.GOMAXPROCS(0)
	var one, two processors
	for _, p := range []*processors{&one, &two} {
		first, second := p.take(), p.take()
		first()
		if before == runtime.NumCPU() && runtime.GOMAXPROCS(0) == before {
			t.Error("they were given back too early")
		}
		second()
		if now := runtime.GOMAXPROCS(0); now != before {
			t.Errorf("there are %d, and were %d", now, before)
		}
	}
}

func TestALimitOnProcessorsStays(t *testing.T) {
	t.Setenv("GOMAXPROCS", "1") // as it was when the process started, for all that take can see
	before := runtime.GOMAXPROCS(0)
	var p processors
	release := p.take()
	if now := runtime.GOMAXPROCS(0); now != before {
		t.Errorf("a limit of %d became %d", before, now)
	}
	release()
}
