package tests

import (
	"bufio"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"barong/clients/go/signing"
	"barong/internal/server"
)

// downloads is how many documents are sent at once where readers are counted, and
// downloadMemory what one may take of the process, in bytes, be it encrypted and of
// 10 MiB.
const (
	downloads      = 32
	downloadMemory = 512 << 10
)

// slowReader asks for a document, reads the status, and then reads no more. Its buffer
// is so small that the server has nearly all of the document still to send.
func slowReader(t testing.TB, location string) (status string, reader net.Conn) {
	t.Helper()
	target, err := url.Parse(location)
	if err != nil {
		t.Fatal(err)
	}
	reader, err = net.Dial("tcp", target.Host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = reader.Close() })
	if err := reader.(*net.TCPConn).SetReadBuffer(4 << 10); err != nil {
		t.Fatal(err)
	}
	if err := reader.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintf(reader, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", target.RequestURI(), target.Host); err != nil {
		t.Fatal(err)
	}
	status, err = bufio.NewReaderSize(reader, 64).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(status), reader
}

// documentServer runs a server that encrypts documents, and has one connection to its
// database. location is the URL of a document of 10 MiB, which another process has
// stored: the memory that an upload takes is not this one's.
func documentServer(t testing.TB, places int) (p *process, location func() string) {
	t.Helper()
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	settings := map[string]string{
		"DATABASE_URL": with(newDatabase(t), "pool_max_conns=1"), "BARONG_MAX_DOWNLOADS": fmt.Sprint(places),
		"BARONG_DOCUMENTS_KEY": "base64key://" + base64.URLEncoding.EncodeToString(key), "BARONG_STORAGE_URL_TTL": "1h",
		"BARONG_DATA_DIR": t.TempDir(),
	}
	p = supervised(t, settings)
	token := bearer(t, signing.NewClaims(time.Now(), time.Hour))
	uid := p.post("/users/import", token, string(marshal(t, ada)), nil).object(t)["uid"].(string)
	if got := p.post("/documents", token, string(marshal(t, passport(uid, png(10<<20)))), nil); got.status != http.StatusCreated {
		t.Fatal(got)
	}
	p.signal(syscall.SIGTERM)
	p.stops()
	p = supervised(t, settings)
	return p, func() string {
		got := p.post("/users/get", token, `{"uid":"`+uid+`"}`, nil)
		if got.status != http.StatusCreated {
			t.Fatal(got)
		}
		return got.object(t)["documents"].([]any)[0].(map[string]any)["upload"].(string)
	}
}

func TestReadersOfDocumentsHaveABoundedNumberOfPlacesAndTakeNothingElse(t *testing.T) {
	if _, err := os.Stat("/proc/self/status"); err != nil {
		t.Skip("the memory of a process is read from /proc, which this system does not have")
	}
	p, location := documentServer(t, downloads)
	fetch(t, http.MethodGet, location()) // what the first one takes, all others share
	before := memory(t, p.command.Process.Pid, highWater)
	readers, shared := make([]net.Conn, downloads), location()
	for i := range readers {
		var status string
		if status, readers[i] = slowReader(t, shared); status != "HTTP/1.1 200 OK" {
			t.Fatalf("reader %d: %s", i, status)
		}
	}
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		began := time.Now()
		got := fetch(t, method, location()) // which needs a connection to the database, too
		if got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") != "1" {
			t.Errorf("%s, one too many: %d %v", method, got.status, got.header)
		} else if method == http.MethodGet {
			got.refused(t, http.StatusServiceUnavailable, busy)
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("it was refused after %s", took)
		}
	}
	if got := p.readiness(); got != "ready" {
		t.Errorf("with all places taken the server is not ready: %s", got)
	}
	took := memory(t, p.command.Process.Pid, highWater) - before
	t.Logf("%d readers of 10 MiB take %d KiB", downloads, took>>10)
	if took > downloads*downloadMemory {
		t.Errorf("%d readers take %d KiB", downloads, took>>10)
	}
	_ = readers[0].Close()
	eventually(t, "the place of a reader that hung up is free", func() bool { return fetch(t, http.MethodHead, location()).status == http.StatusOK })
}

func TestReaderOfADocumentThatStandsStillLosesItsPlace(t *testing.T) {
	t.Parallel()
	p, location := documentServer(t, 1)
	began := time.Now()
	status, _ := slowReader(t, location())
	if status != "HTTP/1.1 200 OK" {
		t.Fatal(status)
	}
	for fetch(t, http.MethodHead, location()).status != http.StatusOK {
		if time.Since(began) > 25*time.Second {
			t.Fatalf("the place is taken after %s\n%s", time.Since(began), p.log)
		}
		time.Sleep(200 * time.Millisecond)
	}
	// Not before its time: who only pauses is not cut off.
	if took := time.Since(began); took < server.DefaultTimeouts.Progress {
		t.Errorf("the place was free after %s", took)
	}
}
