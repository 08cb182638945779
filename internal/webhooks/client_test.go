package webhooks

import (
	"context"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"barong/internal/webhooks/endpoints"
)

func endpointAt(t *testing.T, address string, networks ...string) *endpoints.Endpoint {
	t.Helper()
	parsed, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	endpoint := &endpoints.Endpoint{Name: "a", URL: parsed, Enabled: true, Secret: []byte("0123456789abcdef0123456789abcdef")}
	for _, network := range networks {
		endpoint.Networks = append(endpoint.Networks, netip.MustParsePrefix(network))
	}
	return endpoint
}

// Guards which addresses a webhook connects to: public ones on two ports, and own networks only where the
// endpoint allows them.
func TestGuardPermitsPublicAddressesOnly(t *testing.T) {
	t.Parallel()
	for address, permitted := range map[string]bool{
		"93.184.216.34:443":                   true,
		"93.184.216.34:8443":                  true,
		"[2606:2800:220:1:248:1893::]:443":    true,
		"93.184.216.34:80":                    false,
		"93.184.216.34:5432":                  false,
		"127.0.0.1:443":                       false,
		"[::1]:443":                           false,
		"0.0.0.0:443":                         false,
		"[::]:443":                            false,
		"169.254.169.254:443":                 false,
		"[fd00:ec2::254]:443":                 false,
		"10.1.2.3:443":                        false,
		"172.16.0.1:443":                      false,
		"192.168.1.1:443":                     false,
		"100.64.0.1:443":                      false,
		"224.0.0.1:443":                       false,
		"[::ffff:127.0.0.1]:443":              false,
		"[::ffff:10.1.2.3]:443":               false,
		"[::ffff:169.254.169.254]:443":        false,
		"[64:ff9b::7f00:1]:443":               false,
		"[2002:7f00:1::]:443":                 false,
		"[fe80::1]:443":                       false,
		"10.9.2.3:5000":                       true, // in the endpoint's own network below
		"[::ffff:10.9.2.3]:5000":              true,
		"[fd12:3456:789a::5]:9000":            true,
		"10.8.255.255:443":                    false,
		"[2606:2800:220:1:248:1893:25c8:1]:1": false,
	} {
		network := "tcp4"
		if strings.HasPrefix(address, "[") {
			network = "tcp6"
		}
		err := guard(endpointAt(t, "https://example.com/", "10.9.0.0/16", "fd12:3456:789a::/48"), endpoints.Ports)(network, address, nil)
		if (err == nil) != permitted {
			t.Errorf("%s: %v", address, err)
		}
	}
	if guard(endpointAt(t, "http://example.com/", "10.9.0.0/16"), endpoints.Ports)("tcp4", "93.184.216.34:443", nil) == nil {
		t.Error("plain HTTP leaves the own networks")
	}
}

// listen serves on 127.0.0.1 and counts the connections.
func listen(t *testing.T, handler http.HandlerFunc) (*httptest.Server, TransportOptions, *atomic.Int32) {
	t.Helper()
	var connections atomic.Int32
	server := httptest.NewUnstartedServer(handler)
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.StartTLS()
	t.Cleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	return server, TransportOptions{Roots: roots}, &connections
}

// Guards that a connection to a forbidden address is not even opened, by address or by a name that had a
// public address when it was looked up before.
func TestForbiddenAddressesAreNotConnectedTo(t *testing.T) {
	t.Parallel()
	server, options, connections := listen(t, func(http.ResponseWriter, *http.Request) {})
	options.Ports = []uint16{netip.MustParseAddrPort(server.Listener.Addr().String()).Port()} // only the address is forbidden
	address := server.URL
	if result := newSender(endpointAt(t, address), options).send(t.Context(), "id", time.Now(), nil, false); result.class != classRefused || connections.Load() != 0 {
		t.Errorf("%+v after %d connections", result, connections.Load())
	}

	first := true
	options.Resolver = resolver(t, func() [4]byte {
		defer func() { first = false }()
		if first {
			return [4]byte{93, 184, 216, 34}
		}
		return [4]byte{127, 0, 0, 1}
	})
	if found, err := options.Resolver.LookupNetIP(t.Context(), "ip4", "rebinding.example.com"); err != nil || found[0].String() != "93.184.216.34" {
		t.Fatal(found, err)
	}
	rebinding := endpointAt(t, "https://rebinding.example.com:"+server.Listener.Addr().String()[len("127.0.0.1:"):]+"/")
	if result := newSender(rebinding, options).send(t.Context(), "id", time.Now(), nil, false); result.class != classRefused || connections.Load() != 0 {
		t.Errorf("%+v after %d connections", result, connections.Load())
	}
	if result := newSender(endpointAt(t, address, "127.0.0.0/8"), options).send(t.Context(), "id", time.Now(), nil, false); !result.ok() || connections.Load() != 1 {
		t.Errorf("in an own network: %+v after %d connections", result, connections.Load())
	}
}

// resolver asks a name server that gives the address of the moment.
func resolver(t *testing.T, address func() [4]byte) *net.Resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	go func() {
		buffer := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(buffer)
			if err != nil {
				return
			}
			var query dnsmessage.Message
			if query.Unpack(buffer[:n]) != nil || len(query.Questions) == 0 {
				continue
			}
			question := query.Questions[0]
			answer := dnsmessage.Message{Header: dnsmessage.Header{ID: query.ID, Response: true, RecursionAvailable: true}, Questions: query.Questions}
			if question.Type == dnsmessage.TypeA {
				answer.Answers = []dnsmessage.Resource{{
					Header: dnsmessage.ResourceHeader{Name: question.Name, Class: dnsmessage.ClassINET},
					Body:   &dnsmessage.AResource{A: address()},
				}}
			}
			if packed, err := answer.Pack(); err == nil {
				_, _ = conn.WriteTo(packed, from)
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

// Guards that a redirect is a failure and is not followed, to forbidden addresses or others.
func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	var followed atomic.Int32
	target, _, _ := listen(t, func(http.ResponseWriter, *http.Request) { followed.Add(1) })
	for _, to := range []string{target.URL, "http://169.254.169.254/latest/", "https://[::1]/"} {
		server, options, _ := listen(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, http.StatusTemporaryRedirect) })
		result := newSender(endpointAt(t, server.URL, "127.0.0.0/8"), options).send(t.Context(), "id", time.Now(), []byte("{}"), false)
		if result.class != classRedirect || result.ok() || followed.Load() != 0 {
			t.Errorf("a redirect to %s is %+v", to, result)
		}
	}
}

// Guards the wait that an answer asks for, in seconds or as a date, and its bound.
func TestAnswersSlowAttemptsDown(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		status int
		header string
		pause  time.Duration
	}{
		{200, "60", 0},
		{429, "", minPause},
		{502, "", minPause},
		{504, "2", minPause},
		{429, "60", time.Minute},
		{503, "60", time.Minute},
		{503, "", 0},
		{500, "soon", 0},
		{429, "999999", maxPause},
		{429, now.Add(90 * time.Second).Format(http.TimeFormat), 90 * time.Second},
		{429, now.Add(-time.Hour).Format(http.TimeFormat), minPause},
	} {
		server, options, _ := listen(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", test.header)
			w.WriteHeader(test.status)
		})
		if result := newSender(endpointAt(t, server.URL, "127.0.0.0/8"), options).send(t.Context(), "id", now, nil, false); result.pause != test.pause || result.status != test.status {
			t.Errorf("%d with %q: %+v", test.status, test.header, result)
		}
	}
}

// Guards that a long answer is not read to its end, and that the errors of a connection do not show the URL.
func TestAnswersAreNotRead(t *testing.T) {
	t.Parallel()
	var written atomic.Int64
	done := make(chan struct{})
	server, options, _ := listen(t, func(w http.ResponseWriter, _ *http.Request) {
		defer close(done)
		for range 4096 {
			n, err := w.Write(make([]byte, 64<<10))
			written.Add(int64(n))
			if err != nil {
				return
			}
		}
	})
	if result := newSender(endpointAt(t, server.URL, "127.0.0.0/8"), options).send(t.Context(), "id", time.Now(), nil, false); !result.ok() {
		t.Errorf("%+v", result)
	}
	<-done
	if written.Load() >= 4096*64<<10 {
		t.Errorf("%d bytes of the answer were read", written.Load())
	}
	closed := httptest.NewServer(nil)
	closed.Close()
	result := newSender(endpointAt(t, closed.URL+"/token-in-path", "127.0.0.0/8"), options).send(t.Context(), "id", time.Now(), nil, false)
	if result.class != classNetwork || strings.Contains(result.err.Error(), "token-in-path") {
		t.Errorf("%+v", result)
	}
}

// Guards that a proxy of the environment is not used, and that the body arrives with its headers.
func TestMessageArrivesAsItIs(t *testing.T) {
	t.Parallel()
	server, options, _ := listen(t, func(w http.ResponseWriter, r *http.Request) {
		content, _ := io.ReadAll(r.Body)
		if r.Method != http.MethodPost || string(content) != `{"a":1}` || r.Header.Get("Content-Type") != "application/json" ||
			r.Header.Get("Webhook-Id") != "an-id" || r.Header.Get("Barong-Replay") != "true" {
			w.WriteHeader(http.StatusBadRequest)
		}
	})
	s := newSender(endpointAt(t, server.URL, "127.0.0.0/8"), options)
	if s.client.Transport.(*http.Transport).Proxy != nil {
		t.Error("the transport has a proxy")
	}
	if result := s.send(t.Context(), "an-id", time.Now(), []byte(`{"a":1}`), true); result.status != http.StatusOK {
		t.Errorf("%+v", result)
	}
}
