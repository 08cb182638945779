package cli

import (
	"context"
	"os/signal"
	"syscall"
)

// signalContext ends with the first SIGTERM or SIGINT. The second one ends the
// process, as it always does.
func signalContext() (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}
