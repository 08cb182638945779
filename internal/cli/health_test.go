package cli

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestHealthFollowsReadyz(t *testing.T) {
	t.Parallel()
	ready := true
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path != "/readyz":
			http.NotFound(w, r)
		case ready:
			_, _ = w.Write([]byte("ok\n"))
		default:
			http.Error(w, "draining", http.StatusServiceUnavailable)
		}
	}))
	defer server.Close()
	address := strings.TrimPrefix(server.URL, "http://")
	health := healthCommand{Address: address, Timeout: 5 * time.Second}

	var printed bytes.Buffer
	if err := health.Run(&program{stdout: &printed}); err != nil || printed.String() != "ok\n" {
		t.Errorf("ready: %v, printed %q", err, printed.String())
	}
	ready = false
	if err := health.Run(&program{stdout: &printed}); err == nil || !strings.Contains(err.Error(), "503") || !strings.Contains(err.Error(), "draining") {
		t.Errorf("not ready: %v", err)
	}
	server.Close()
	if err := health.Run(&program{stdout: &printed}); err == nil || !strings.Contains(err.Error(), "the server does not answer") {
		t.Errorf("nobody there: %v", err)
	}
}

func TestHealthReachesAListenerOnAllAddresses(t *testing.T) {
	t.Parallel()
	for listen, want := range map[string]string{
		":9080":         "127.0.0.1:9080",
		"0.0.0.0:9080":  "127.0.0.1:9080",
		"[::]:9080":     "[::1]:9080",
		"10.0.0.7:9080": "10.0.0.7:9080",
		"localhost:1":   "localhost:1",
	} {
		if got, err := dialable(listen); err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", listen, got, err, want)
		}
	}
	if _, err := dialable("9080"); err == nil {
		t.Error("an address without a port is taken")
	}
}
