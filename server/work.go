package server

import (
	"sync/atomic"
	"time"

	"barong/identity"
)

// work bounds how many operations are worked on at once. Beyond some number, more
// of them only wait for the same connections to the database, with their bodies in
// memory, until their callers have given up.
type work struct {
	limit int64
	begun atomic.Int64
}

var errOverloaded = &identity.Error{
	Kind:       identity.Unavailable,
	Message:    "The server is busy with other requests, try again later",
	Reason:     identity.Overloaded,
	RetryAfter: time.Second, // what is in flight takes milliseconds, as a rule
}

// full says whether begin would refuse: then a body need not be read.
func (w *work) full() bool { return w.begun.Load() >= w.limit }

// begin takes a place, or refuses at once. Who got one gives it back with end.
func (w *work) begin() error {
	if w.begun.Add(1) > w.limit {
		w.end()
		return errOverloaded
	}
	return nil
}

func (w *work) end() { w.begun.Add(-1) }
