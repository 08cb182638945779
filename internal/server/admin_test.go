package server_test

import (
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"testing"

	"barong/internal/server"
)

// A supervisor must see a live process during a long start, for example while the schema is
// brought up to date.
func TestAdminListenerAnswersBeforeTheServerIsReady(t *testing.T) {
	t.Parallel()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	admin := server.OpenAdmin(listener, nil, slog.New(slog.DiscardHandler))
	defer func() { _ = admin.Close() }()
	for path, want := range map[string]struct {
		status         int
		member, reason string
	}{
		"/healthz": {http.StatusOK, "ok", ""},
		"/readyz":  {http.StatusServiceUnavailable, "not_ready", server.ReasonStarting},
		"/metrics": {http.StatusNotFound, "", ""},
	} {
		response, err := http.Get("http://" + listener.Addr().String() + path)
		if err != nil {
			t.Fatal(err)
		}
		var body struct{ Status, Reason string }
		_ = json.NewDecoder(response.Body).Decode(&body)
		_ = response.Body.Close()
		if response.StatusCode != want.status || body.Status != want.member || body.Reason != want.reason {
			t.Errorf("%s: %d %+v", path, response.StatusCode, body)
		}
	}
}
