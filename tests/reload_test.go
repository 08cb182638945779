package tests

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"barong/clients/go/signing"
)

func TestKeychainIsReadAgainAndABrokenOneIsNot(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file, key := filepath.Join(dir, "management_api.yml"), filepath.Join(dir, "backend.pem")
	write := func(path, content string) {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(key, string(backend().private))
	write(file, keychainFile("audit"))
	settings := map[string]string{"BARONG_DATA_DIR": dir, "DATABASE_URL": newDatabase(t), "BARONG_MANAGEMENT_API": file}
	p := serve(t, settings)
	settings["BARONG_URL"], settings["BARONG_SIGNER"] = "http://"+p.public, "backend="+key
	call := func() int {
		_, _, exit := barong(t, settings, "call", "getTimestamp")
		return exit
	}
	if call() == 0 {
		t.Error("audit has not signed, and the call succeeded")
	}
	write(file, keychainFile())
	p.signal(syscall.SIGHUP)
	eventually(t, "the new keychain is in force", func() bool { return call() == 0 })
	write(file, "keychain: [")
	p.signal(syscall.SIGHUP)
	eventually(t, "the broken keychain is logged", func() bool { return strings.Contains(p.log.String(), `"level":"ERROR"`) })
	if call() != 0 {
		t.Error("a broken keychain file took the good one out of force")
	}
	write(file, "# keychain:\n")
	p.signal(syscall.SIGHUP)
	eventually(t, "the emptied keychain is logged", func() bool { return strings.Contains(p.log.String(), "nobody could call anything") })
	if call() != 0 {
		t.Error("an emptied keychain file took the good one out of force")
	}
	p.signal(syscall.SIGTERM)
	p.stops()
}

func TestKeychainIsTakenOverWithoutADroppedRequest(t *testing.T) {
	t.Parallel()
	p := supervised(t, nil)
	file := ""
	for _, setting := range p.command.Env {
		if path, ok := strings.CutPrefix(setting, "BARONG_MANAGEMENT_API="); ok {
			file = path
		}
	}
	token := bearer(t, signing.NewClaims(time.Now(), time.Hour))
	ctx, stop := context.WithCancel(t.Context())
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for ctx.Err() == nil {
				if got := p.post("/timestamp", token, "{}", nil); got.status != http.StatusCreated {
					t.Errorf("while the keychain changes: %s", got)
					return
				}
			}
		})
	}
	for n := range 20 {
		// The same signers, and a comment that makes it another file.
		if err := os.WriteFile(file, fmt.Appendf(nil, "# %d\n%s", n, keychainFile()), 0o600); err != nil {
			t.Fatal(err)
		}
		p.signal(syscall.SIGHUP)
		eventually(t, "it is taken over", func() bool { return strings.Count(p.log.String(), "keychain loaded") > n })
	}
	stop()
	group.Wait()
	p.signal(syscall.SIGTERM)
	p.stops()
}

func TestHangupWhileDrainingDropsNothing(t *testing.T) {
	t.Parallel()
	p := supervised(t, map[string]string{"BARONG_DRAIN_DELAY": "5s"})
	token := bearer(t, signing.NewClaims(time.Now(), time.Hour))
	p.signal(syscall.SIGTERM)
	eventually(t, "the server drains", func() bool { return status(t, "http://"+p.admin+"/readyz") == http.StatusServiceUnavailable })
	time.Sleep(50 * time.Millisecond) // what ends with the first signal has ended
	p.signal(syscall.SIGHUP)
	if got := p.post("/timestamp", token, "{}", nil); got.status != http.StatusCreated {
		t.Errorf("after SIGHUP: %s", got)
	}
	p.stops()
}

// certified are the settings of a server with a certificate for 127.0.0.1.
func certified(t testing.TB) map[string]string {
	t.Helper()
	borrowed := httptest.NewTLSServer(nil)
	defer borrowed.Close()
	pair := borrowed.TLS.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	settings := map[string]string{}
	for setting, block := range map[string]*pem.Block{
		"BARONG_TLS_CERT": {Type: "CERTIFICATE", Bytes: pair.Certificate[0]},
		"BARONG_TLS_KEY":  {Type: "PRIVATE KEY", Bytes: key},
	} {
		settings[setting] = filepath.Join(t.TempDir(), "tls.pem")
		if err := os.WriteFile(settings[setting], pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return settings
}

func TestServerSpeaksTLS(t *testing.T) {
	t.Parallel()
	settings := certified(t)
	settings["BARONG_DATA_DIR"], settings["DATABASE_URL"], settings["BARONG_LOG_FORMAT"] = t.TempDir(), newDatabase(t), "text"
	p := serveAtTerminal(t, settings)
	settings["BARONG_URL"], settings["SSL_CERT_FILE"] = "https://"+p.public, settings["BARONG_TLS_CERT"]
	if out, stderr, exit := barong(t, settings, "call", "listUsers"); exit != 0 {
		t.Errorf("%d %s %s", exit, out, stderr)
	}
	if !strings.Contains(p.log.String(), "curl -X POST https://"+p.public) {
		t.Errorf("no URL with https in\n%s", p.log)
	}
	p.signal(syscall.SIGHUP)
	eventually(t, "the certificate is read again", func() bool { return strings.Contains(p.log.String(), "certificate loaded") })
	p.signal(syscall.SIGTERM)
	p.stops()
}
