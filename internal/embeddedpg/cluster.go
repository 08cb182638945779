package embeddedpg

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"
)

// errNotRunning means that no process of the server is alive.
var errNotRunning = errors.New("it is not running")

// cluster is a folder with a data directory, and the server that runs on it.
type cluster struct {
	dir     string // absolute, without links: all processes must use the same path
	options Options
	log     *slog.Logger
	needed  atomic.Bool // set from a successful start to Stop: the end of the server is unexpected then
}

func openCluster(o Options) (*cluster, error) {
	if o.Dir == "" {
		return nil, errors.New("Options.Dir is empty")
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return nil, err
	}
	switch err := os.Mkdir(dir, 0o700); {
	case errors.Is(err, os.ErrExist):
	case err != nil:
		return nil, err
	case os.Geteuid() == 0:
		// The folder stays root's, so that the server's user cannot create links in it. That user
		// may only traverse it to the data directory.
		if err := os.Chmod(dir, 0o711); err != nil {
			return nil, err
		}
	}
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return nil, err
	}
	c := &cluster{dir: dir, options: o, log: o.Logger}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	return c, nil
}

func (c *cluster) path(name string) string { return filepath.Join(c.dir, name) }

// dataName is the name of the data directory in the folder.
const dataName = "data"

func (c *cluster) data() string { return c.path(dataName) }

// acquireStartLock waits until no other process is starting or stopping the server. Until unlock,
// no other process can do so.
func (c *cluster) acquireStartLock(ctx context.Context) (*os.File, error) {
	return lock(ctx, c.path(startingLock), syscall.LOCK_EX)
}

// running reports whether any process of the server is alive: the server inherits the locked file.
// The result is valid only between acquireStartLock and unlock.
func (c *cluster) running() bool {
	f, err := openLock(c.path(runningLock))
	if err != nil {
		return true // a false "not running" is dangerous, a false "running" is not
	}
	defer unlock(f)
	free, err := tryLock(f, syscall.LOCK_EX)
	return err != nil || !free
}

// adopt finds the running server and waits until it accepts connections. It returns the folder of
// its socket and its version, or errNotRunning.
func (c *cluster) adopt(ctx context.Context) (socket, version string, err error) {
	if !c.running() {
		return "", "", errNotRunning
	}
	return c.awaitReady(ctx)
}

// start makes a missing data directory, starts the server, and waits until it accepts connections.
// It returns the folder of the socket and the server's version.
func (c *cluster) start(ctx context.Context) (socket, version string, err error) {
	have, err := inspectData(c.data())
	if err != nil {
		return "", "", err
	}
	bin, err := c.findBinaries(ctx, have.major)
	if err != nil {
		return "", "", err
	}
	as, socketDir, err := chooseAccount(ctx, bin, c.dir, have)
	if err != nil {
		return "", "", err
	}
	if have.exists {
		err = giveTo(as, c.data())
	} else {
		err = c.initialize(ctx, bin, as)
	}
	if err == nil {
		socket, version, err = c.startPostmaster(ctx, bin, as, socketDir)
	}
	if err != nil {
		_ = os.Remove(socketDir) // an empty folder that remains is reused
		return "", "", err
	}
	return socket, version, nil
}

// startPostmaster starts the server on its data directory, and stops a server that does not become
// ready.
func (c *cluster) startPostmaster(ctx context.Context, bin binaries, as account, socketDir string) (socket, version string, err error) {
	server, err := c.launch(ctx, bin, as, socketDir)
	if err != nil {
		return "", "", err
	}
	socket, version, err = c.awaitReady(ctx)
	if err == nil {
		return socket, version, nil
	}
	if errors.Is(err, errNotRunning) {
		err = errors.New("it ended while it was starting")
	}
	server.kill()
	return "", "", fmt.Errorf("%w; its log, %s, ends:\n%s", err, server.logPath, server.logTail())
}

// shutdown stops the server and removes the folder of its socket.
func (c *cluster) shutdown(ctx context.Context, socket string) error {
	if c.running() {
		// SIGINT is PostgreSQL's "fast" shutdown, SIGQUIT its "immediate" one.
		if err := c.signal(syscall.SIGINT); err != nil {
			return err
		}
		if err := c.awaitEnd(ctx); err != nil {
			if err := c.signal(syscall.SIGQUIT); err != nil {
				return err
			}
			grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			defer cancel()
			return errors.Join(fmt.Errorf("it was stopped at once, because it had no time to shut down: %w", err), c.awaitEnd(grace))
		}
	}
	_ = os.Remove(socket)
	return nil
}

// signal signals the server, whichever process started it. A server that has ended, or is ending
// and has removed its PID file, needs no signal.
func (c *cluster) signal(signal syscall.Signal) error {
	pid, err := readPIDFile(c.data())
	if err == nil {
		err = syscall.Kill(pid.pid, signal)
	}
	if errors.Is(err, syscall.ESRCH) || errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

func (c *cluster) awaitEnd(ctx context.Context) error {
	for c.running() {
		if err := sleep(ctx, 5*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}
