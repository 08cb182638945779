package embeddedpg

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// The lock files of starting processes, of users and of the server; see the package's
// documentation. The files stay after the locks are released: after a deletion, two processes could
// lock two different files of the same name.
const (
	startingLock = "starting.lock"
	usersLock    = "users.lock"
	runningLock  = "running.lock"
)

// lock opens the file, creates it when missing, and waits until it can lock it in the mode how:
// syscall.LOCK_SH or LOCK_EX.
func lock(ctx context.Context, path string, how int) (*os.File, error) {
	f, err := openLock(path)
	if err != nil {
		return nil, err
	}
	for {
		locked, err := tryLock(f, how)
		if locked {
			return f, nil
		}
		if err == nil {
			err = sleep(ctx, 10*time.Millisecond)
		}
		if err != nil {
			f.Close()
			return nil, fmt.Errorf("locking %s: %w", path, err)
		}
	}
}

func openLock(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
}

// tryLock reports whether it could lock the file without waiting. It converts a lock that f already
// holds.
func tryLock(f *os.File, how int) (bool, error) {
	err := syscall.Flock(int(f.Fd()), how|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return false, nil
	}
	if err != nil {
		return false, &os.PathError{Op: "flock", Path: f.Name(), Err: err}
	}
	return true, nil
}

// unlock closes a locked file. It unlocks first, because a child that another goroutine has just
// forked holds a copy of the descriptor until it executes its program.
func unlock(f *os.File) {
	_ = syscall.Flock(int(f.Fd()), syscall.LOCK_UN)
	f.Close()
}

// sleep waits for d, or returns the cause of the end of ctx.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}
