package server

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"barong/internal/problem"
)

// firstPart is the size, in bytes, of the first buffer for a body. Nearly all bodies fit in
// it.
const firstPart = 4 << 10

// body reads one request body. Its buffer grows with the bytes that arrive, and each growth
// waits for the memory limit.
type body struct {
	request    *http.Request
	connection *http.ResponseController
	memory     *reservation
	timeouts   Timeouts
	limit      int64 // in bytes, on the wire
	isLarge    bool  // the body is larger than smallBody, or its length is unknown
	start      time.Time
	waited     time.Duration // total wait for memory so far
	bytes      []byte
}

var errTooLarge = errors.New("the body is larger than the limit")

// read returns the whole body. maxWait bounds the total time that it waits for memory.
func (b *body) read(maxWait time.Duration) ([]byte, error) {
	length := b.request.ContentLength
	maxSize := b.limit + 1 // the extra byte detects a body over the limit
	if length >= 0 {
		maxSize = length + 1 // the extra byte leaves room to read the end of the body
	}
	b.start = time.Now()
	for {
		if len(b.bytes) == cap(b.bytes) {
			if err := b.grow(maxSize, maxWait); err != nil {
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

// grow doubles the buffer, up to maxSize bytes, as soon as the memory limit grants it.
func (b *body) grow(maxSize int64, maxWait time.Duration) error {
	size := min(max(2*int64(cap(b.bytes)), firstPart), maxSize)
	waitStart := time.Now()
	if err := b.memory.hold(b.request.Context(), size, maxWait-b.waited); err != nil {
		return err
	}
	b.waited += time.Since(waitStart)
	larger := make([]byte, len(b.bytes), size)
	copy(larger, b.bytes)
	b.bytes = larger
	return nil
}

// setDeadlines sets the deadline for the next byte of the body, and for the response after it.
// A sender slower than BodyRate gets a shorter deadline. The time that the server waited for
// memory does not count against the sender.
func (b *body) setDeadlines() {
	now := time.Now()
	stalled := now.Add(b.timeouts.Body)
	expected := float64(len(b.bytes)) / float64(b.timeouts.BodyRate)
	tooSlow := b.start.Add(b.waited + b.timeouts.Body + time.Duration(expected*float64(time.Second)))
	if tooSlow.Before(stalled) {
		stalled = tooSlow
	}
	_ = b.connection.SetReadDeadline(stalled) // fails for an httptest.ResponseRecorder, which has no deadlines
	_ = b.connection.SetWriteDeadline(stalled.Add(b.timeouts.Answer))
}

// tooLarge returns the error for a body over the limit. Over HTTP/1.1 the server can only
// close the connection to avoid reading the rest; over HTTP/2 it resets the stream and keeps
// the connection.
func tooLarge(w http.ResponseWriter, r *http.Request, limit int64) error {
	if r.ProtoMajor == 1 {
		w.Header().Set("Connection", "close")
	}
	return problem.New(problem.TooLarge, "Request body is larger than "+strconv.FormatInt(limit, 10)+" bytes.")
}
