package server

import (
	"bytes"
	"context"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// answer buffers a whole response. The operation can then release its place in the concurrency
// limit before a slow client reads the response.
type answer struct {
	http.ResponseWriter
	status int
	body   *bytes.Buffer
}

// answerBodies holds response buffers for reuse.
var answerBodies = sync.Pool{New: func() any { return &bytes.Buffer{} }}

const (
	// smallAnswer is the largest response, in bytes, that needs no reservation in the memory
	// limit. Only buffers up to this size are reused.
	smallAnswer = 64 << 10
	// answerTimeout bounds the wait for memory when a response is larger than the reservation
	// that was made for it.
	answerTimeout = time.Second
	// rowSize is the memory, in bytes, that one row of a page takes while it is read and
	// written. A user with some labels and a phone takes half of it.
	rowSize = 4 << 10
)

func newAnswer(w http.ResponseWriter) *answer {
	body, _ := answerBodies.Get().(*bytes.Buffer)
	body.Reset()
	return &answer{ResponseWriter: w, body: body}
}

// WriteHeader stores the status for send. Only the first call counts.
func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

func (a *answer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(p)
}

// pageSize returns the memory, in bytes, that the response is expected to need, estimated from
// the parameter limit. It is 0 for a page that fits in smallAnswer, and for an operation
// without pages.
func pageSize(parameters map[string]any) int64 {
	rows, _ := parameters["limit"].(int64)
	if size := rows * rowSize; size > smallAnswer {
		return size
	}
	return 0
}

// reserve reserves memory for the part of a large response that exceeds held, the bytes
// reserved before. The caller releases it when the response has been sent.
func (a *answer) reserve(ctx context.Context, memory *memoryLimiter, signer string, held int64) (release func(), err error) {
	size := int64(a.body.Cap()) - held
	if size <= smallAnswer {
		return func() {}, nil
	}
	reservation := memory.reserve(signer, size)
	return reservation.release, reservation.hold(context.WithoutCancel(ctx), size, answerTimeout)
}

// send writes the whole response at once, with its Content-Length.
func (a *answer) send() {
	a.WriteHeader(http.StatusOK)
	a.Header().Set("Content-Length", strconv.Itoa(a.body.Len()))
	a.ResponseWriter.WriteHeader(a.status)
	_, _ = a.body.WriteTo(a.ResponseWriter) // an error means that the client disconnected
}

// free returns the buffer for reuse. A large buffer is left to the garbage collector.
func (a *answer) free() {
	if a.body.Cap() <= smallAnswer {
		answerBodies.Put(a.body)
	}
	a.body = nil
}
