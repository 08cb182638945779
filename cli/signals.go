package cli

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"barong/auth"
)

// untilSignal ends with the first SIGTERM or SIGINT. The second one ends the
// process, as it always does.
func untilSignal() (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}

// reloadOnHangup reads the keychain file again with every SIGHUP.
func reloadOnHangup(ctx context.Context, keychain *auth.Source) {
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	for {
		select {
		case <-hangups:
			keychain.Reload()
		case <-ctx.Done():
			return
		}
	}
}
