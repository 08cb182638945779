package cli

import (
	"context"
	"os"
	"runtime"
	"runtime/debug"
	"time"
)

// heapReserve is how many bytes may be allocated between two garbage collections
// beside what is in use. In use are some 10 MiB, so that the collector's own
// measure, as much again, would have it run every few hundred requests; with the
// reserve it runs a third as often, and the server still stays below 80 MB.
const heapReserve = 12 << 20

// reserveHeap makes the collector wait longer. It counts a block of memory that
// is never touched, and so takes none, among what is in use; unlike a higher GOGC
// that does not multiply what large documents take. Whoever sets GOGC or
// GOMEMLIMIT knows better. release ends it.
func reserveHeap() (release func()) {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return func() {}
	}
	block := make([]byte, heapReserve)
	return func() { runtime.KeepAlive(block) }
}

// settling is how long after the start its memory is given back: what comes right
// after it, a first look at /readyz for instance, needs some of it once more.
const settling = time.Second

// settle gives back, once, what only the start has needed: half of what it
// allocates, and most of a program that initialises 650 packages.
func settle(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(settling):
		debug.FreeOSMemory()
		releasePages()
	}
}
