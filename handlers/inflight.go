package handlers

import (
	"crypto/sha256"
	"sync"

	"barong/internal/journal"
)

// inFlight holds the enforced keys of the requests that this server executes, so that a repetition waits
// for the first request without a connection, a hash or an upload. A repetition at another server waits in
// the database. The zero value is ready; the limit of concurrent requests bounds it.
type inFlight struct {
	mutex sync.Mutex
	done  map[[sha256.Size]byte]chan struct{}
}

// enter takes the enforced keys of a record until leave is called. If another request has one of them, it
// takes none and returns a channel that is closed when that request ends.
func (f *inFlight) enter(record *journal.Record) (leave func(), busy <-chan struct{}) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	for _, key := range record.Keys {
		if other, taken := f.done[key.ID]; taken && key.Enforced {
			return nil, other
		}
	}
	if f.done == nil {
		f.done = map[[sha256.Size]byte]chan struct{}{}
	}
	done := make(chan struct{})
	for _, key := range record.Keys {
		if key.Enforced {
			f.done[key.ID] = done
		}
	}
	return func() {
		f.mutex.Lock()
		defer f.mutex.Unlock()
		for _, key := range record.Keys {
			if key.Enforced {
				delete(f.done, key.ID)
			}
		}
		close(done)
	}, nil
}
