package cli

import (
	"os"
	"runtime"
)

// heapReserve is how many bytes may be allocated between two garbage collections
// beside what is in use. In use are some 10 MiB, so that the collector's own
// measure, as much again, would have it run every few hundred requests; with the
// reserve it runs a fifth as often, and the server still stays below 80 MB.
const heapReserve = 24 << 20

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
