package app

import (
	"os"
	"runtime"
)

// ballastSize is how many bytes beyond the heap in use the garbage collector waits
// for. The heap in use is about 10 MiB, and a collector that waits for as much again
// would run every few hundred requests; with the ballast it runs a third as often.
const ballastSize = 12 << 20

// ballast is a block of memory that the collector counts as in use and that takes
// none, since nothing touches it. Unlike a higher GOGC it does not multiply what
// large documents take. It is left out where GOGC or GOMEMLIMIT is set. release
// frees it.
func ballast() (release func()) {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return func() {}
	}
	block := make([]byte, ballastSize)
	return func() { runtime.KeepAlive(block) }
}
