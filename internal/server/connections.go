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

// Connections limits the connections of the public listener, and the open requests on them in
// any state. When a limit is exceeded, it closes the oldest connection without a verified
// signature. Unauthenticated clients therefore displace each other, and an authenticated
// client is served even while they hold all connections. It is safe for concurrent use.
type Connections struct {
	limit    int
	requests int64

	open   atomic.Int64 // open requests
	mutex  sync.Mutex
	all    map[*connection]struct{}
	last   uint64
	closed prometheus.Counter
}

// requestsPerPlace is the number of open requests allowed for each operation in flight. Most
// open requests wait for their bodies, or for the client to read the response.
const requestsPerPlace = 4

// NewConnections returns limits of that many connections, and of open requests for that many
// operations in flight. registry may be nil.
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

// connection is one accepted connection.
type connection struct {
	net.Conn
	owner *Connections
	order uint64 // rises with each connection: a lower value is an older connection
	// trusted is true after a request with verified signatures arrived on the connection.
	trusted  atomic.Bool
	requests atomic.Int64 // open requests
	idle     atomic.Int64 // when the last open request ended, in Unix nanoseconds
}

// Close removes the connection from the limit and closes it.
func (c *connection) Close() error {
	c.owner.mutex.Lock()
	delete(c.owner.all, c)
	c.owner.mutex.Unlock()
	return c.Conn.Close()
}

// Listen wraps a listener so that its connections count against the limit.
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

// admit adds a connection. At the limit it closes another one first. If every other connection
// serves an authenticated client's request, it closes the new one and returns nil.
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

// victim returns the connection to close next, among those for which may returns true: the
// oldest unauthenticated one, else the authenticated one that has been idle longest. It
// returns nil if there is none.
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

// begin counts a request on a connection; call end when its response has been written. Above
// the limit of open requests it closes the oldest unauthenticated connection with an open
// request. If there is none, it returns errOverloaded. end must be called in both cases.
func (c *Connections) begin(conn *connection) (end func(), err error) {
	if conn != nil {
		conn.requests.Add(1)
	}
	end = func() {
		c.open.Add(-1)
		if conn != nil && conn.requests.Add(-1) == 0 {
			conn.idle.Store(time.Now().UnixNano())
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

// Context stores the connection in the context of its requests. It is for
// [http.Server.ConnContext].
func (c *Connections) Context(ctx context.Context, conn net.Conn) context.Context {
	for {
		if bounded, ok := conn.(*connection); ok {
			return context.WithValue(ctx, connectionKey{}, bounded)
		}
		wrapper, ok := conn.(interface{ NetConn() net.Conn })
		if !ok {
			return ctx
		}
		conn = wrapper.NetConn()
	}
}

// connectionOf returns the connection of a request, or nil if it arrived through a listener
// without this limit.
func connectionOf(ctx context.Context) *connection {
	conn, _ := ctx.Value(connectionKey{}).(*connection)
	return conn
}

// trust marks the connection as authenticated: it is closed only after all unauthenticated
// ones.
func (c *connection) trust() {
	if c != nil && !c.trusted.Load() {
		c.trusted.Store(true)
	}
}

// openRequests counts each request until its response has been written. A request over the
// limit gets an error response without a body, so that a client that does not read cannot
// delay it.
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

// withoutBody discards the body of a response. The status and the headers are sent.
type withoutBody struct{ http.ResponseWriter }

func (withoutBody) Write(p []byte) (int, error) { return len(p), nil }
