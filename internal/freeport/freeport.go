// Package freeport finds ports for servers of tests that are told which one to listen on.
package freeport

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
)

// Ports from first to first+count are below those that Linux (32768) and others (49152) choose for listeners
// and connections without one: nothing else takes a port between Find and the start of the server.
const (
	first = 20_000
	count = 12_000
)

// Find returns a port of 127.0.0.1 on which nobody listens.
func Find() (port int, err error) {
	for range 100 {
		port = first + rand.IntN(count) //nolint:gosec // any port will do
		listener, failure := (&net.ListenConfig{}).Listen(context.Background(), "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if failure == nil {
			return port, listener.Close()
		}
		err = errors.Join(err, failure)
	}
	return 0, err
}
