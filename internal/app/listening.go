package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"

	"barong/internal/config"
)

// listen opens both listeners.
func listen(ctx context.Context, c config.Config) (public, admin net.Listener, err error) {
	var listening net.ListenConfig
	if public, err = listening.Listen(ctx, "tcp", c.Listen); err != nil {
		return nil, nil, listenError("BARONG_LISTEN", "127.0.0.1:8081", err)
	}
	if admin, err = listening.Listen(ctx, "tcp", c.AdminListen); err != nil {
		return nil, nil, errors.Join(listenError("BARONG_ADMIN_LISTEN", "127.0.0.1:9081", err), public.Close())
	}
	return public, admin, nil
}

// listenError adds advice to the error of an address on which the process cannot listen.
func listenError(setting, another string, err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("%s: %w: another program, perhaps another barong serve, listens there. Stop it, or choose another port, as %s=%s", setting, err, setting, another)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("%s: %w: ports below 1024 need a privilege. Choose another port, as %s=%s", setting, err, setting, another)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("%s: %w: this machine does not have that address. Choose one that it has, as %s=%s", setting, err, setting, another)
	default:
		return fmt.Errorf("%s: %w", setting, err)
	}
}
