package server

import (
	"context"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"barong/handlers"
)

// Connections bounds the connections of the public listener, and the requests that
// are open on them, whatever state they are in. Where there is one too many, room
// is made: a connection on which nobody has shown a good signature yet is closed,
// the oldest first. So strangers displace each other, and a caller whose request
// arrives while they wait is served. It is safe for concurrent use.
type Connections struct {
	limit    int
	requests int64

	open   atomic.Int64 // requests
	mutex  sync.Mutex
	all    map[*connection]struct{}
	last   uint64
	closed prometheus.Counter
}

// requestsPerPlace is how many requests may be open for each that is worked on.
// Most of the others wait for their bodies, or for their answers to be read.
const requestsPerPlace = 4

// NewConnections allows so many connections, and requests for so many operations in
// flight. registry may be nil.
func NewConnections(limit, inFlight int, registry prometheus.Registerer) *Connections {
	factory := promauto.With(registry)
	c := &Connections{limit: limit, requests: int64(inFlight) * requestsPerPlace, all: map[*connection]struct{}{}}
	c.closed = factory.NewCounter(prometheus.CounterOpts{
		Name: "barong_connections_closed_total", Help: "Connections that were closed to make room for others.",
	})
	factory.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "barong_connections", Help: "Open connections of the public listener.",
	}, func() float64 { return float64(c.count()) })
	return c
}

// connection is one of them.
type connection struct {
	net.Conn
	owner *Connections
	order uint64 // the lower, the older
	// trusted is set once a request with good signatures came on it.
	trusted  atomic.Bool
	requests atomic.Int64 // that are open
	idle     atomic.Int64 // since when none is, in nanoseconds since 1970
}

// Close makes room for another one.
func (c *connection) Close() error {
	c.owner.mutex.Lock()
	delete(c.owner.all, c)
	c.owner.mutex.Unlock()
	return c.Conn.Close()
}

// Listen is the listener with the bound on its connections.
func (c *Connections) Listen(listener net.Listener) net.Listener {
	return &boundedListener{listener, c}
}

type boundedListener struct {
	net.Listener
	connections *Connections
}

func (l *boundedListener) Accept() (net.Conn, error) {
	for {
		accepted, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if admitted := l.connections.admit(accepted); admitted != nil {
			return admitted, nil
		}
	}
}

// admit closes another connection where there are too many, or this one where all
// others are at work for callers who are known.
func (c *Connections) admit(accepted net.Conn) net.Conn {
	for c.count() >= c.limit {
		victim := c.victim(func(*connection) bool { return true })
		if victim == nil {
			c.closed.Inc()
			_ = accepted.Close()
			return nil
		}
		c.evict(victim)
	}
	added := &connection{Conn: accepted, owner: c}
	added.idle.Store(time.Now().UnixNano())
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.last++
	added.order = c.last
	c.all[added] = struct{}{}
	return added
}

func (c *Connections) count() int {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return len(c.all)
}

// victim is the oldest connection of strangers among those that may be closed; where
// there is none, the one of a known caller that has been idle longest.
func (c *Connections) victim(may func(*connection) bool) *connection {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	var oldest, idlest *connection
	for each := range c.all {
		switch {
		case !may(each):
		case !each.trusted.Load():
			if oldest == nil || each.order < oldest.order {
				oldest = each
			}
		case each.requests.Load() == 0 && (idlest == nil || each.idle.Load() < idlest.idle.Load()):
			idlest = each
		}
	}
	if oldest != nil {
		return oldest
	}
	return idlest
}

func (c *Connections) evict(victim *connection) {
	c.closed.Inc()
	_ = victim.Close()
}

// begin counts a request of a connection; end is called when its answer has been
// written. Where too many are open, connections of strangers with open requests are
// closed; where none is, the request is refused with errOverloaded.
func (c *Connections) begin(of *connection) (end func(), err error) {
	if of != nil {
		of.requests.Add(1)
	}
	end = func() {
		c.open.Add(-1)
		if of != nil && of.requests.Add(-1) == 0 {
			of.idle.Store(time.Now().UnixNano())
		}
	}
	if c.open.Add(1) <= c.requests {
		return end, nil
	}
	victim := c.victim(func(each *connection) bool { return each.requests.Load() > 0 && !each.trusted.Load() })
	if victim == nil {
		return end, errOverloaded
	}
	c.evict(victim)
	return end, nil
}

type connectionKey struct{}

// Context makes the connection known to the requests on it ([http.Server.ConnContext]).
func (c *Connections) Context(ctx context.Context, of net.Conn) context.Context {
	for {
		if known, ok := of.(*connection); ok {
			return context.WithValue(ctx, connectionKey{}, known)
		}
		above, ok := of.(interface{ NetConn() net.Conn })
		if !ok {
			return ctx
		}
		of = above.NetConn()
	}
}

// connectionOf is that of a request; nil where it came by another listener.
func connectionOf(ctx context.Context) *connection {
	known, _ := ctx.Value(connectionKey{}).(*connection)
	return known
}

// trust keeps the connection from being closed before those of strangers.
func (c *connection) trust() {
	if c != nil && !c.trusted.Load() {
		c.trusted.Store(true)
	}
}

// openRequests counts a request until its answer has been written. One beyond the
// bound has an answer without a body, which a client that reads nothing does not
// keep from being sent.
func openRequests(connections *Connections, timeouts Timeouts, errs handlers.Errors) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			end, err := connections.begin(connectionOf(r.Context()))
			defer end()
			if err != nil {
				errs.Fail(withoutBody{w}, r, err)
				return
			}
			progress := newProgressWriter(w, r, timeouts)
			defer progress.finish()
			next.ServeHTTP(progress, r)
		})
	}
}

// withoutBody is an answer of which only the headers are sent.
type withoutBody struct{ http.ResponseWriter }

func (withoutBody) Write(p []byte) (int, error) { return len(p), nil }
