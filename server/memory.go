package server

import (
	"context"
	"time"

	"golang.org/x/sync/semaphore"

	"barong/identity"
)

// memory bounds what large bodies take together, from the first byte that is read
// to the answer. Who does not find room waits for it.
type memory struct {
	room *semaphore.Weighted
	size int64 // bytes
}

const (
	// smallBody never waits, in bytes: nearly all requests are smaller.
	smallBody = 64 << 10
	// bodyFactor is how many bytes of memory one byte of a body takes at most, at
	// one time: as it came, decoded, and as the text that the operation gets.
	bodyFactor = 4
	// memoryRetry is what callers are advised to wait for room.
	memoryRetry = 5 * time.Second
)

func newMemory(size int64) *memory {
	return &memory{room: semaphore.NewWeighted(size), size: size}
}

// reserve waits for the room that a body of so many bytes needs, at most so long.
// A body for which all of the room is too little gets all of it. release gives
// the room back.
func (m *memory) reserve(ctx context.Context, body int64, patience time.Duration) (release func(), err error) {
	if body <= smallBody {
		return func() {}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	weight := min(body*bodyFactor, m.size)
	if err := m.room.Acquire(ctx, weight); err != nil {
		return nil, &identity.Error{
			Kind:       identity.Unavailable,
			Message:    "The server is busy with other large requests, try again later",
			Reason:     identity.Overloaded,
			RetryAfter: memoryRetry,
			Cause:      err,
		}
	}
	return func() { m.room.Release(weight) }, nil
}
