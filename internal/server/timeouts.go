package server

import (
	"net/http"
	"time"
)

// Timeouts are the limits for slow clients. The connection or stream of a slower client is
// closed.
type Timeouts struct {
	Header   time.Duration // for all headers of a request
	Body     time.Duration // for the whole of a small body, and for the next byte of a large one
	BodyRate int64         // minimum average rate of a large body after Body has passed, in bytes per second
	Progress time.Duration // for the client to accept the next part of a response
	Answer   time.Duration // for the client to read a whole response
	Idle     time.Duration // for the next request on a connection
}

// DefaultTimeouts are the timeouts in production. They give a body of 16 MiB a little more
// than a minute.
var DefaultTimeouts = Timeouts{
	Header:   10 * time.Second,
	Body:     10 * time.Second,
	BodyRate: 256 << 10,
	Progress: 10 * time.Second,
	Answer:   time.Minute,
	Idle:     2 * time.Minute,
}

// read returns the time limit for a small request, from its first byte. It ends when the body
// has arrived.
func (t Timeouts) read() time.Duration { return t.Header + t.Body }

// write returns the time limit for reading the response, from the end of the headers. The
// deadline is extended while a large body arrives.
func (t Timeouts) write(request time.Duration) time.Duration { return t.Body + request + t.Answer }

// progressWriter writes a response in parts. The stream (HTTP/2) or connection is closed if
// the client does not accept a part within Progress, or the whole response within Answer.
type progressWriter struct {
	http.ResponseWriter
	connection *http.ResponseController
	timeouts   Timeouts
	buffered   bool      // over HTTP/1.1 the end of the response is in the socket's buffer when the handler returns
	last       time.Time // the deadline for the whole response; zero before the first write
}

// answerPart is the size of a part in bytes: an HTTP/2 frame, a TLS record.
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

// finish waits until the client has accepted what the server still buffers.
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
	_ = p.connection.SetWriteDeadline(deadline) // fails for an httptest.ResponseRecorder, which has no deadlines
}
