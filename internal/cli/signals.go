package cli

import (
	"context"
	"os/signal"
	"syscall"
)

// signalContext returns a context that ends with the first SIGTERM or SIGINT. The second
// signal terminates the process.
func signalContext() (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}
