package server

import (
	"net/http"
	"time"
)

// Timeouts are how long the server waits for the other end of a connection. Whoever
// is slower is cut off.
type Timeouts struct {
	Header   time.Duration // for all headers of a request
	Body     time.Duration // for all of a small body, and for the next byte of a large one
	BodyRate int64         // bytes a second that a large body must arrive with on the whole, once Body has passed
	Progress time.Duration // for the next part of an answer to be taken
	Answer   time.Duration // for reading an answer
	Idle     time.Duration // for the next request on a connection
}

// DefaultTimeouts are those of a server in production. A body of 16 MiB has little
// more than a minute.
var DefaultTimeouts = Timeouts{
	Header:   10 * time.Second,
	Body:     10 * time.Second,
	BodyRate: 256 << 10,
	Progress: 10 * time.Second,
	Answer:   time.Minute,
	Idle:     2 * time.Minute,
}

// read is until when a small request must be there, from its first byte. It does not
// run on while the request is worked on.
func (t Timeouts) read() time.Duration { return t.Header + t.Body }

// write is until when an answer must have been read, from the end of the headers. A
// larger body than a small one moves it on as it arrives.
func (t Timeouts) write(request time.Duration) time.Duration { return t.Body + request + t.Answer }

// progressWriter sends an answer part by part. A part that is not taken in time ends
// the stream (HTTP/2) or the connection; so does a client that takes every part at
// the last moment, once the time for all of the answer is over.
type progressWriter struct {
	http.ResponseWriter
	connection *http.ResponseController
	timeouts   Timeouts
	buffered   bool      // HTTP/1.1 has the end of an answer in the socket's buffer when the handler returns
	last       time.Time // when all of the answer must have been read; zero before it begins
}

// answerPart is in bytes: a frame of HTTP/2, a record of TLS.
const answerPart = 16 << 10

func newProgressWriter(w http.ResponseWriter, r *http.Request, timeouts Timeouts) *progressWriter {
	return &progressWriter{ResponseWriter: w, connection: http.NewResponseController(w), timeouts: timeouts, buffered: r.ProtoMajor == 1}
}

// Unwrap is for [http.ResponseController].
func (p *progressWriter) Unwrap() http.ResponseWriter { return p.ResponseWriter }

func (p *progressWriter) Write(answer []byte) (written int, err error) {
	for {
		part := answer[written:min(len(answer), written+answerPart)]
		p.extendDeadline()
		n, err := p.ResponseWriter.Write(part)
		if written += n; err != nil || written == len(answer) {
			return written, err
		}
	}
}

// finish waits until the client has taken what the server has still in its buffers.
func (p *progressWriter) finish() {
	p.extendDeadline()
	if !p.buffered {
		_ = p.connection.Flush()
	}
}

func (p *progressWriter) extendDeadline() {
	now := time.Now()
	if p.last.IsZero() {
		p.last = now.Add(p.timeouts.Answer)
	}
	deadline := now.Add(p.timeouts.Progress)
	if deadline.After(p.last) {
		deadline = p.last
	}
	_ = p.connection.SetWriteDeadline(deadline) // a recorder of a test has none
}
