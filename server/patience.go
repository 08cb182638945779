package server

import (
	"errors"
	"io"
	"net/http"
	"time"
)

// Patience is how long the server waits for the other end of a connection. Whoever
// is slower is cut off.
type Patience struct {
	Header time.Duration // for all headers of a request
	Body   time.Duration // for all of a small body, and for the next byte of a large one
	Rate   int64         // bytes a second that a large body must arrive with on the whole, once Body has passed
	Answer time.Duration // for reading an answer
	Idle   time.Duration // for the next request on a connection
}

// Usual is the patience of a server in production. A body of 16 MiB has little
// more than a minute.
var Usual = Patience{
	Header: 10 * time.Second,
	Body:   10 * time.Second,
	Rate:   256 << 10,
	Answer: time.Minute,
	Idle:   2 * time.Minute,
}

// read is until when a small request must be there, from its first byte. It does not
// run on while the request is worked on.
func (p Patience) read() time.Duration { return p.Header + p.Body }

// write is until when an answer must have been read, from the end of the headers.
func (p Patience) write(request time.Duration) time.Duration { return p.Body + p.answer(request) }

// answer is the same from the end of the body.
func (p Patience) answer(request time.Duration) time.Duration { return request + p.Answer }

// paced is a large body, whose sender holds room that others wait for: each byte
// gives some time for the next one.
type paced struct {
	io.Reader
	connection *http.ResponseController
	patience   Patience
	start      time.Time
	received   int64
}

func newPaced(w http.ResponseWriter, body io.Reader, patience Patience) *paced {
	return &paced{Reader: body, connection: http.NewResponseController(w), patience: patience, start: time.Now()}
}

func (p *paced) Read(b []byte) (int, error) {
	now := time.Now()
	stalled := now.Add(p.patience.Body)
	tooSlow := p.start.Add(p.patience.Body + time.Duration(float64(p.received)/float64(p.patience.Rate)*float64(time.Second)))
	if tooSlow.Before(stalled) {
		stalled = tooSlow
	}
	if err := p.connection.SetReadDeadline(stalled); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return 0, err
	}
	n, err := p.Reader.Read(b)
	p.received += int64(n)
	return n, err
}

// arrived gives the answer as much time as if the body had just come.
func (p *paced) arrived(request time.Duration) {
	_ = p.connection.SetWriteDeadline(time.Now().Add(p.patience.answer(request)))
}
