package faults

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"barong/internal/long"
)

// A process that may open few files keeps enough of them for its health, its keychain
// and its database, whatever strangers open: a signer who is removed is refused.
func TestIdleConnectionsDoNotStarveTheServer(t *testing.T) {
	long.Test(t)
	p := startPostgres(t)
	who := newSigners(t)
	s := serve(t, who, map[string]string{"DATABASE_URL": p.url()}, "sh", "-c", `ulimit -n 200 && exec "$@"`, "sh")
	a := &attacked{server: s, t: t, who: who, address: strings.TrimSuffix(strings.TrimPrefix(s.url, "http://"), "/api/v2/management")}
	release := a.hold(320, "")
	defer release()
	s.ready(http.StatusOK)
	good := startGoodClient(t, who.signer, s.url)
	time.Sleep(time.Second)
	good.stop("idle connections")

	keychain, err := os.ReadFile(who.keychain)
	if err != nil {
		t.Fatal(err)
	}
	revoked := strings.ReplaceAll(string(keychain), "backend", "another")
	if err := os.WriteFile(who.keychain, []byte(revoked), 0o600); err != nil {
		t.Fatal(err)
	}
	caller := &goodClient{t: t, signer: who.signer, url: s.url}
	p.eventually("the removed signer is refused", func() error {
		if got := caller.call(http.DefaultClient, caller.bearer("/timestamp", "{}")); got != http.StatusUnauthorized {
			return fmt.Errorf("it is answered %d", got)
		}
		return nil
	})
	if strings.Contains(s.log.String(), "too many open files") {
		t.Error("the server ran out of files")
	}
}
