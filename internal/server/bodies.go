package server

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"barong/internal/problem"
)

// firstPart is how many bytes are allocated for a body before any of it is there.
// Nearly all bodies fit.
const firstPart = 4 << 10

// body reads one request's body into memory that grows with what arrives.
type body struct {
	request    *http.Request
	connection *http.ResponseController
	memory     *reservation
	timeouts   Timeouts
	limit      int64 // in bytes, on the wire
	isLarge    bool  // it is large, or may be
	start      time.Time
	waited     time.Duration // for memory
	bytes      []byte
}

var errTooLarge = errors.New("the body is larger than the limit")

// read returns the whole body. memory is how long it waits for memory in all.
func (b *body) read(memory time.Duration) ([]byte, error) {
	announced := b.request.ContentLength
	most := b.limit + 1 // one more tells that it is too large
	if announced >= 0 {
		most = announced + 1 // and here that it has ended
	}
	b.start = time.Now()
	for {
		if len(b.bytes) == cap(b.bytes) {
			if err := b.grow(most, memory); err != nil {
				return nil, err
			}
		}
		if b.isLarge {
			b.setDeadlines()
		}
		n, err := b.request.Body.Read(b.bytes[len(b.bytes):cap(b.bytes)])
		b.bytes = b.bytes[:len(b.bytes)+n]
		switch {
		case int64(len(b.bytes)) > b.limit:
			return nil, errTooLarge
		case errors.Is(err, io.EOF):
			return b.bytes, nil
		case err != nil:
			return nil, problem.New(problem.BadRequest, "Request body could not be read.").WithCause(err)
		}
	}
}

// grow doubles the room for the body, once there is memory for it.
func (b *body) grow(most int64, memory time.Duration) error {
	size := min(max(2*int64(cap(b.bytes)), firstPart), most)
	waiting := time.Now()
	if err := b.memory.hold(b.request.Context(), size, memory-b.waited); err != nil {
		return err
	}
	b.waited += time.Since(waiting)
	larger := make([]byte, len(b.bytes), size)
	copy(larger, b.bytes)
	b.bytes = larger
	return nil
}

// setDeadlines gives the sender time for the next byte, and for the answer that
// follows. Whoever sends more slowly than the rate has less; the time that the body
// waited for memory is not the sender's.
func (b *body) setDeadlines() {
	now := time.Now()
	stalled := now.Add(b.timeouts.Body)
	rate := float64(len(b.bytes)) / float64(b.timeouts.BodyRate)
	tooSlow := b.start.Add(b.waited + b.timeouts.Body + time.Duration(rate*float64(time.Second)))
	if tooSlow.Before(stalled) {
		stalled = tooSlow
	}
	_ = b.connection.SetReadDeadline(stalled) // a recorder of a test has none
	_ = b.connection.SetWriteDeadline(stalled.Add(b.timeouts.Answer))
}

// tooLarge is the answer to a body over the limit. HTTP/1.1 has no other way not to
// read the rest than to end the connection; HTTP/2 resets the stream alone.
func tooLarge(w http.ResponseWriter, r *http.Request, limit int64) error {
	if r.ProtoMajor == 1 {
		w.Header().Set("Connection", "close")
	}
	return problem.New(problem.TooLarge, "Request body is larger than "+strconv.FormatInt(limit, 10)+" bytes.")
}
