package server_test

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"barong/internal/server"
)

// bounded starts a server with that many connections at most.
func bounded(t *testing.T, limit int) listening {
	t.Helper()
	return listenWith(t, operation{}, time.Minute, server.DefaultTimeouts, nil, func(l *server.Runner, o *server.Options) {
		l.Bound = server.NewConnections(limit, 8, nil)
		o.Connections = l.Bound
	})
}

// isOpen reports whether a request on the connection is answered.
func isOpen(l listening, connection net.Conn) bool {
	_ = connection.SetDeadline(time.Now().Add(5 * time.Second))
	if _, err := io.WriteString(connection, l.head(len(user))+user); err != nil {
		return false
	}
	buffer := make([]byte, 4096)
	n, err := connection.Read(buffer)
	return err == nil && strings.HasPrefix(string(buffer[:n]), "HTTP/1.1 201")
}

// An authenticated client gets and keeps its connection, however many connections others open,
// with or without a request on them.
func TestStrangersDisplaceEachOtherAndNoCaller(t *testing.T) {
	t.Parallel()
	l := bounded(t, 4)
	caller := l.connect("")
	if !isOpen(l, caller) {
		t.Fatal("the caller is not served")
	}
	const stalled = "POST /api/v2/management/users/get HTTP/1.1\r\nHost: barong\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"
	var strangers []net.Conn
	for i := range 20 {
		strangers = append(strangers, l.connect([]string{"", "P", "POST /x HTTP/1.1\r\n", stalled}[i%4]))
		another := l.connect("")
		if !isOpen(l, another) {
			t.Errorf("a new caller is not served beside %d strangers", i+1)
		}
		another.Close()
		if !isOpen(l, caller) {
			t.Fatalf("the first caller has lost its connection beside %d strangers", i+1)
		}
	}
	cutOff(t, strangers[0])
}

// If all connections are authenticated, the one that has been idle longest is closed.
func TestTheConnectionThatIsIdleLongestMakesRoomForACaller(t *testing.T) {
	t.Parallel()
	l := bounded(t, 2)
	first, second := l.connect(""), l.connect("")
	if !isOpen(l, first) || !isOpen(l, second) || !isOpen(l, first) {
		t.Fatal("two are not served")
	}
	if !isOpen(l, l.connect("")) {
		t.Error("a third is not served")
	}
	if isOpen(l, second) || !isOpen(l, first) {
		t.Error("the wrong one was closed")
	}
}

// Over HTTP/2, a body over the limit costs its sender the stream, but leaves the other streams
// of the connection open.
func TestTooLargeABodyLeavesTheHTTP2Connection(t *testing.T) {
	t.Parallel()
	f := listenTLS(t, false)
	client := f.client(&tls.Config{}, true)
	handshakes := 0
	transport, _ := client.Transport.(*http.Transport)
	transport.TLSClientConfig.VerifyConnection = func(tls.ConnectionState) error { handshakes++; return nil }
	for _, body := range []io.Reader{strings.NewReader(strings.Repeat(" ", 23<<20)), io.MultiReader(strings.NewReader(strings.Repeat(" ", 23<<20)))} { // with and without a Content-Length
		request, err := http.NewRequestWithContext(context.Background(), http.MethodPost, "https://"+f.address+"/api/v2/management/users/get", body)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/json")
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != http.StatusRequestEntityTooLarge || response.ProtoMajor != 2 {
			t.Errorf("the answer is %d over %s", response.StatusCode, response.Proto)
		}
		if _, err := f.get(client); err != nil {
			t.Fatal(err)
		}
	}
	if handshakes != 1 {
		t.Errorf("%d connections were opened", handshakes)
	}
}
