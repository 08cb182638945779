package app

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// reloader is a part that is loaded from files which may change while the server runs.
type reloader interface {
	Reload()
	Watch(ctx context.Context, every time.Duration)
}

// reloadOnHangup reloads the files on every SIGHUP, until ctx ends. Once it has returned,
// SIGHUP never terminates the process, not even while it drains: a tool that renews a
// certificate does not know the state of the server.
func reloadOnHangup(ctx context.Context, files []reloader) {
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	go func() {
		for {
			select {
			case <-hangups:
				for _, each := range files {
					each.Reload()
				}
			case <-ctx.Done():
				return
			}
		}
	}()
}
