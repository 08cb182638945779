package cli

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

type healthCommand struct {
	Address string        `default:"127.0.0.1:9080" env:"BARONG_ADMIN_LISTEN" help:"The admin listener, host:port."`
	Timeout time.Duration `default:"3s" help:"The time-out of the request."`
}

func (healthCommand) Help() string {
	return `Asks /readyz of the server beside it and prints the answer. The exit status is 0 when the server should get
requests, 1 otherwise. It is the health check of the container image, which has no other program.

Example:
  barong health`
}

// healthAnswerLimit bounds the printed part of a response, in bytes: another program may be
// listening at the address.
const healthAnswerLimit = 4 << 10

func (c healthCommand) Run(p *program) error {
	address, err := dialable(c.Address)
	if err != nil {
		return fmt.Errorf("BARONG_ADMIN_LISTEN: %w", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), c.Timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/readyz", http.NoBody)
	if err != nil {
		return err
	}
	if err := userAgent(ctx, request); err != nil {
		return err
	}
	// A new transport connects directly, without a proxy from the environment.
	client := http.Client{Transport: &http.Transport{}}
	answer, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("the server does not answer: %w", err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, healthAnswerLimit))
	if err != nil {
		return fmt.Errorf("the response is incomplete: %w", err)
	}
	text := strings.TrimSpace(string(body))
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("the server is not ready: %s: %s", answer.Status, text)
	}
	_, err = fmt.Fprintln(p.stdout, text)
	return err
}

// dialable returns the address at which this machine can connect to a listener. For a listener
// on all addresses it is the loopback address.
func dialable(listen string) (string, error) {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return "", err
	}
	if ip := net.ParseIP(host); host == "" || ip.Equal(net.IPv4zero) {
		host = "127.0.0.1"
	} else if ip.Equal(net.IPv6zero) {
		host = "::1"
	}
	return net.JoinHostPort(host, port), nil
}
