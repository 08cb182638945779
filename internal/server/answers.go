package server

import (
	"bytes"
	"context"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// answer keeps what an operation answers until all of it is there: then the
// operation's place is free for the next one, however slowly its caller reads.
type answer struct {
	http.ResponseWriter
	status int
	body   *bytes.Buffer
}

// answerBodies are buffers that have held an answer and will hold another.
var answerBodies = sync.Pool{New: func() any { return &bytes.Buffer{} }}

const (
	// smallAnswer is how large an answer may be, in bytes, that takes no memory that
	// others wait for; its buffer is kept for the next one.
	smallAnswer = 64 << 10
	// answerPatience is how long one waits that is larger than was foreseen.
	answerPatience = time.Second
	// rowSize is what a row of a page takes, in bytes, while it is read and written:
	// users with some labels and a phone take half of it.
	rowSize = 4 << 10
)

func newAnswer(w http.ResponseWriter) *answer {
	body, _ := answerBodies.Get().(*bytes.Buffer)
	body.Reset()
	return &answer{ResponseWriter: w, body: body}
}

// WriteHeader notes the status.
func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

func (a *answer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(p)
}

// pageSize is how much memory an operation needs for its answer, in bytes, as far as
// its parameters say: that of a page that may have many rows, else none.
func pageSize(parameters map[string]any) int64 {
	rows, _ := parameters["limit"].(int64)
	if size := rows * rowSize; size > smallAnswer {
		return size
	}
	return 0
}

// reserve takes the memory of a large answer beyond what it has, for as long as it is
// being sent.
func (a *answer) reserve(ctx context.Context, memory *memoryLimiter, signer string, held int64) (release func(), err error) {
	size := int64(a.body.Cap()) - held
	if size <= smallAnswer {
		return func() {}, nil
	}
	reservation := memory.reserve(signer, size)
	return reservation.release, reservation.hold(context.WithoutCancel(ctx), size, answerPatience)
}

// send writes the answer in one piece.
func (a *answer) send() {
	a.WriteHeader(http.StatusOK)
	a.Header().Set("Content-Length", strconv.Itoa(a.body.Len()))
	a.ResponseWriter.WriteHeader(a.status)
	_, _ = a.body.WriteTo(a.ResponseWriter) // whoever does not read it has gone
}

// free gives the buffer back.
func (a *answer) free() {
	if a.body.Cap() <= smallAnswer {
		answerBodies.Put(a.body)
	}
	a.body = nil
}
