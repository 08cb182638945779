package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"barong/clients/go/signing"
	"barong/handlers"
)

// mix is what callers ask for in a soak, by the names of the operations, in parts
// of a thousand. Two more are not among those: a document that is read, and a
// caller who hangs up.
var mix = []struct {
	name  string
	share int
}{
	{"get by uid", 250},
	{"get by email", 130},
	{"get by phone", 80},
	{"list labels", 80},
	{"list, first page", 50},
	{"list, random page", 40},
	{"list, first page, extended", 20},
	{"filter by label", 70},
	{"update label", 60},            // two requests
	{"create and delete label", 40}, // two requests
	{"import", 100},
	{"sign otp", 20},
	{"create document", 20},
	{readDocument, 19},
	{hangUp, 20},
	{createUser, 1}, // each takes a processor for a fifth of a second
}

const (
	readDocument = "read document"
	hangUp       = "hang up"
	createUser   = "create user"
)

// soakLoad sends requests when they are due, whether or not earlier ones are
// answered.
type soakLoad struct {
	size, connections int
	signer            *party
	address           string
	kinds             []string // a thousand, to draw from
	byName            map[string]operation

	mutex   sync.Mutex
	current tally
	readers []string // uids of users with a document that was stored in this run
}

func newSoakLoad(size, connections int, signer *party, address string) *soakLoad {
	l := &soakLoad{size: size, connections: connections, signer: signer, address: address, byName: map[string]operation{}}
	for _, part := range mix {
		for range part.share {
			l.kinds = append(l.kinds, part.name)
		}
	}
	for _, o := range operations {
		l.byName[o.name] = o
	}
	return l
}

// take returns what came since the last time.
func (l *soakLoad) take() tally {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	taken := l.current
	l.current = tally{}
	return taken
}

// arrival is a request that is due.
type arrival struct {
	due  time.Time
	kind string
}

// flow is a load that runs.
type flow struct {
	cancel  context.CancelFunc
	done    sync.WaitGroup
	waiting chan arrival
}

// stop ends the load once what was due is answered.
func (f *flow) stop() {
	f.cancel()
	f.done.Wait()
}

// backlog is how many requests may wait for a connection of ours before the run is
// given up: the rate is far beyond the server then.
const backlog = 100_000

// start lets requests arrive at random, so many a second on average, until it is
// stopped.
func (l *soakLoad) start(ctx context.Context, rate float64) *flow {
	ctx, cancel := context.WithCancel(ctx)
	f := &flow{cancel: cancel, waiting: make(chan arrival, backlog)}
	for range l.connections {
		f.done.Go(func() { l.work(f.waiting) })
	}
	f.done.Go(func() {
		defer close(f.waiting)
		due := time.Now()
		for ctx.Err() == nil {
			due = due.Add(time.Duration(rand.ExpFloat64() / rate * float64(time.Second))) //nolint:gosec // chance keeps no secret
			if wait := time.Until(due); wait > 0 {
				time.Sleep(wait)
			}
			select {
			case f.waiting <- arrival{due, l.kinds[rand.IntN(len(l.kinds))]}: //nolint:gosec // the same
			default:
				l.note(func(t *tally) { t.fail("the callers' queue is full") })
			}
		}
	})
	return f
}

const (
	searchFrom = 200.0 // requests per second
	searchStep = 1.3
	searchTime = 6 * time.Second
)

// highest steps the rate up until 99 of 100 requests are not quick enough, or some
// fail, and returns the last at which they were.
func (l *soakLoad) highest(ctx context.Context) (float64, error) {
	good := 0.0
	for rate := searchFrom; ; rate *= searchStep {
		f := l.start(ctx, rate)
		select {
		case <-time.After(searchTime):
		case <-ctx.Done():
		}
		f.stop()
		came := l.take()
		fmt.Printf("%6.0f/s: p50 %.1f ms, p99 %.1f ms, %d failed\n", rate, milliseconds(came.requests.percentile(0.5)), milliseconds(came.requests.percentile(0.99)), came.failures)
		switch {
		case ctx.Err() != nil:
			return 0, ctx.Err()
		case came.failures == 0 && came.requests.percentile(0.99) <= quickEnough:
			good = rate
		case good == 0:
			return 0, fmt.Errorf("already at %.0f/s requests are too slow or fail: %s", rate, came.failure)
		default:
			return good, nil
		}
	}
}

// caller is one who keeps a connection, and a token for some requests.
type caller struct {
	*client
	token string
	used  int
}

// tokenUses is how many requests a caller makes with one token, as programs do.
const tokenUses = 100

func (l *soakLoad) work(waiting <-chan arrival) {
	who := &caller{}
	defer who.hangUp()
	for a := range waiting {
		if err := l.serve(who, a); err != nil {
			who.hangUp()
			l.note(func(t *tally) { t.fail(a.kind + ": " + err.Error()) })
		}
	}
}

func (c *caller) hangUp() {
	if c.client != nil {
		c.close()
		c.client = nil
	}
}

// serve makes the requests of one arrival.
func (l *soakLoad) serve(who *caller, a arrival) (err error) {
	switch a.kind {
	case hangUp:
		return l.abandon()
	case readDocument:
		return l.read(who, a)
	}
	o := l.byName[a.kind]
	unit := 1
	if o.pairs || a.kind == "update label" {
		unit = 2
	}
	for _, c := range o.calls(l.size, unit) {
		if _, err := l.send(who, a, c, false); err != nil {
			return err
		}
		if a.kind == "create document" {
			l.remember(c.parameters)
		}
		a.due = time.Now() // the second is sent when the first is answered
	}
	return nil
}

// send signs a request in one of the two forms, and makes it.
func (l *soakLoad) send(who *caller, a arrival, c call, keep bool) (body []byte, err error) {
	r, err := l.signed(who, c)
	if err != nil {
		return nil, err
	}
	return l.exchange(who, a, r, keep)
}

func (l *soakLoad) exchange(who *caller, a arrival, r request, keep bool) (body []byte, err error) {
	if who.client == nil {
		if who.client, err = dial(l.address); err != nil {
			return nil, err
		}
	}
	status, body, err := who.do(r, keep)
	if err != nil {
		return nil, err
	}
	took := time.Since(a.due)
	l.note(func(t *tally) { t.answered(a.kind, status, took) })
	return body, nil
}

func (l *soakLoad) signed(who *caller, c call) (request, error) {
	path := handlers.BasePath + c.path
	if rand.IntN(2) == 0 { //nolint:gosec // which form is taken is no secret
		body, err := l.signer.envelope(c.parameters)
		return newRequest(c.method, path, "", body), err
	}
	if who.used%tokenUses == 0 {
		var err error
		if who.token, err = signing.Token(signing.NewClaims(time.Now(), validity), l.signer.signer); err != nil {
			return nil, err
		}
	}
	who.used++
	return newRequest(c.method, path, who.token, []byte(c.parameters)), nil
}

// remembered bounds how many users with documents are known.
const remembered = 1000

func (l *soakLoad) remember(parameters string) {
	var given struct{ UID string }
	if json.Unmarshal([]byte(parameters), &given) != nil {
		return
	}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if len(l.readers) < remembered {
		l.readers = append(l.readers, given.UID)
	} else {
		l.readers[rand.IntN(remembered)] = given.UID //nolint:gosec // chance keeps no secret
	}
}

// read asks for a user who has a document, and gets the newest by its signed URL.
func (l *soakLoad) read(who *caller, a arrival) error {
	l.mutex.Lock()
	var uid string
	if len(l.readers) > 0 {
		uid = l.readers[rand.IntN(len(l.readers))] //nolint:gosec // chance keeps no secret
	}
	l.mutex.Unlock()
	if uid == "" {
		return nil
	}
	body, err := l.send(who, a, call{"POST", "/users/get", fmt.Sprintf(`{"uid":%q}`, uid)}, true)
	if err != nil {
		return err
	}
	var user struct{ Documents []struct{ Upload string } }
	if err := json.Unmarshal(body, &user); err != nil {
		return err
	}
	if len(user.Documents) == 0 {
		return fmt.Errorf("the document of %s is gone", uid)
	}
	at, err := url.Parse(user.Documents[len(user.Documents)-1].Upload)
	if err != nil {
		return err
	}
	a.due = time.Now()
	_, err = l.exchange(who, a, request("GET "+at.RequestURI()+" HTTP/1.1\r\nHost: bench\r\n\r\n"), false)
	return err
}

var abandonments atomic.Int64

// abandon is a caller who hangs up: in the middle of the request, or before the
// answer is there.
func (l *soakLoad) abandon() error {
	kind := [...]string{"import", "list, first page, extended", "create document"}[rand.IntN(3)] //nolint:gosec // chance keeps no secret
	r, err := l.signed(&caller{}, l.byName[kind].calls(l.size, 1)[0])
	if err != nil {
		return err
	}
	if abandonments.Add(1)%2 == 0 {
		r = r[:len(r)-1-rand.IntN(len(r)/2)] //nolint:gosec // the same
	}
	conn, err := net.Dial("tcp", l.address) //nolint:noctx // a server on this machine, which is up
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	_, err = conn.Write(r)
	l.note(func(t *tally) { t.abandoned++ })
	return err
}

func (l *soakLoad) note(change func(*tally)) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	change(&l.current)
}
