package webhooks

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"syscall"
	"time"

	"code.dny.dev/ssrf"

	"barong/internal/version"
	"barong/internal/webhooks/endpoints"
)

// Limits of an attempt.
const (
	attemptTimeout = 15 * time.Second
	answerLimit    = 4 << 10  // bytes of an answer that are read; none is kept
	headerLimit    = 16 << 10 // bytes of its header
)

// replayHeader marks an event that is sent again, out of order, because an operator asked for it.
const replayHeader = "barong-replay"

// The classes of attempts.
const (
	classSuccess  = "2xx"
	classRedirect = "3xx"
	classClient   = "4xx"
	classServer   = "5xx"
	classTimeout  = "timeout"
	classNetwork  = "network" // no connection, or one that broke
	classRefused  = "refused" // by this server: the address is not permitted
)

var classes = []string{classSuccess, classRedirect, classClient, classServer, classTimeout, classNetwork, classRefused}

// errRefused is the error of a connection to an address that is not permitted.
var errRefused = errors.New("the address is not permitted: it is neither public, nor in allow_networks")

// guard permits connections to public addresses on some ports, and to any port in the endpoint's
// own networks. It is called for the address that a connection is about to be made to, after the look-up of
// the name, so that a name cannot change in between. Over plain HTTP only own networks are permitted.
func guard(endpoint *endpoints.Endpoint, ports []uint16) func(network, address string, c syscall.RawConn) error {
	public := ssrf.New(ssrf.WithPorts(ports...))
	return func(network, address string, c syscall.RawConn) error {
		destination, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("%w: %w", errRefused, err)
		}
		for _, own := range endpoint.Networks {
			if own.Contains(destination.Addr().Unmap()) {
				return nil
			}
		}
		if endpoint.URL.Scheme != "https" {
			return errRefused
		}
		if err := public.Safe(network, address, c); err != nil {
			return fmt.Errorf("%w: %w", errRefused, err)
		}
		return nil
	}
}

// sender sends messages to one endpoint.
type sender struct {
	endpoint *endpoints.Endpoint
	client   *http.Client
}

// newSender returns a sender that neither follows redirects nor uses a proxy.
func newSender(endpoint *endpoints.Endpoint, options TransportOptions) *sender {
	ports := endpoints.Ports
	if options.Ports != nil {
		ports = options.Ports
	}
	dialer := &net.Dialer{Timeout: attemptTimeout, Control: guard(endpoint, ports), Resolver: options.Resolver}
	return &sender{endpoint: endpoint, client: &http.Client{
		Timeout:       attemptTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSHandshakeTimeout: attemptTimeout, MaxResponseHeaderBytes: headerLimit,
			TLSClientConfig: &tls.Config{RootCAs: options.Roots, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true,
			DisableCompression: true, MaxIdleConnsPerHost: workers, IdleConnTimeout: 30 * time.Second,
		},
	}}
}

// outcome is the result of an attempt.
type outcome struct {
	class  string
	status int           // of the answer; 0: there was none
	pause  time.Duration // that the endpoint asks for before any other attempt
	err    error         // of the connection; it may contain the URL, and is for the operator's terminal only
}

func (o outcome) ok() bool { return o.class == classSuccess }

// gone reports whether the endpoint wants no more messages.
func (o outcome) gone() bool { return o.status == http.StatusGone }

// send makes one attempt.
func (s *sender) send(ctx context.Context, id string, now time.Time, body []byte, replayed bool) outcome {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.endpoint.URL.String(), bytes.NewReader(body))
	if err != nil {
		return outcome{class: classNetwork, err: err}
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "barong/"+version.Product())
	if replayed {
		request.Header.Set(replayHeader, "true")
	}
	if err := sign(request.Header, s.endpoint, id, now, body); err != nil {
		return outcome{class: classNetwork, err: err}
	}
	response, err := s.client.Do(request)
	if err != nil {
		return outcome{class: classOf(err), err: withoutURL(err)}
	}
	defer response.Body.Close()
	_, _ = io.CopyN(io.Discard, response.Body, answerLimit) // so that a short answer's connection is used again
	result := outcome{class: strconv.Itoa(response.StatusCode/100) + "xx", status: response.StatusCode}
	switch response.StatusCode {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusGatewayTimeout:
		result.pause = max(minPause, retryAfter(response.Header, now))
	default:
		if !result.ok() {
			result.pause = retryAfter(response.Header, now)
		}
	}
	return result
}

func classOf(err error) string {
	var timeout net.Error
	switch {
	case errors.Is(err, errRefused):
		return classRefused
	case errors.As(err, &timeout) && timeout.Timeout():
		return classTimeout
	default:
		return classNetwork
	}
}

func withoutURL(err error) error {
	var failed *url.Error
	if errors.As(err, &failed) {
		return failed.Err
	}
	return err
}

// retryAfter returns the wait that the header Retry-After asks for, in seconds or as a date.
func retryAfter(header http.Header, now time.Time) time.Duration {
	text := header.Get("Retry-After")
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return min(time.Duration(seconds)*time.Second, maxPause)
	}
	if at, err := http.ParseTime(text); err == nil {
		return min(max(at.Sub(now), 0), maxPause)
	}
	return 0
}
