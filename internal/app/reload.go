package app

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// reloader is what comes from files that may change while the server runs.
type reloader interface {
	Reload()
	Watch(ctx context.Context, every time.Duration)
}

// reloadOnHangup reads the files again with every SIGHUP, until ctx ends. From the
// moment it returns the signal does not end the process, also not while it drains:
// what renews a certificate does not know what the server is doing.
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
