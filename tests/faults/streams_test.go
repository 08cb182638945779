package faults

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"barong/internal/long"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// throwAwayCertificate writes the certificate that httptest has, and its key.
func throwAwayCertificate(t testing.TB) (certificate, key string) {
	t.Helper()
	example := httptest.NewUnstartedServer(nil)
	example.StartTLS()
	defer example.Close()
	pair := example.TLS.Certificates[0]
	der, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, kind string, content []byte) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: content}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	return write("certificate.pem", "CERTIFICATE", pair.Certificate[0]), write("key.pem", "PRIVATE KEY", der)
}

// stream is a connection of HTTP/2 whose client writes frames as it likes.
type stream struct {
	*tls.Conn
	framer  *http2.Framer
	headers bytes.Buffer
	encoder *hpack.Encoder
	next    uint32
}

// openStreams connects, and says how much of an answer it takes before it reads.
func (a *attacked) openStreams(window uint32) (*stream, error) {
	connection, err := tls.Dial("tcp", a.address, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	if err != nil {
		return nil, err
	}
	s := &stream{Conn: connection, framer: http2.NewFramer(connection, connection), next: 1}
	s.encoder = hpack.NewEncoder(&s.headers)
	if _, err := connection.Write([]byte(http2.ClientPreface)); err != nil {
		return nil, err
	}
	if err := s.framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: window}); err != nil {
		return nil, err
	}
	go func() { // what the server says is taken, and not looked at
		for {
			if _, err := s.framer.ReadFrame(); err != nil {
				return
			}
		}
	}()
	return s, s.framer.WriteSettingsAck()
}

// request begins a request; its body may follow.
func (s *stream) request(path string, length int, extra ...hpack.HeaderField) error {
	s.headers.Reset()
	fields := append([]hpack.HeaderField{
		{Name: ":method", Value: "POST"},
		{Name: ":scheme", Value: "https"},
		{Name: ":authority", Value: "barong"},
		{Name: ":path", Value: "/api/v2/management" + path},
		{Name: "content-type", Value: "application/json"},
		{Name: "content-length", Value: strconv.Itoa(length)},
	}, extra...)
	for _, field := range fields {
		if err := s.encoder.WriteField(field); err != nil {
			return err
		}
	}
	id := s.next
	s.next += 2
	return s.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: s.headers.Bytes(), EndHeaders: true, EndStream: length == 0})
}

// flood opens connections, and requests on each, and keeps them for a while.
func (a *attacked) flood(connections, requests int, window uint32, lasts time.Duration, send func(*stream) error) {
	var group sync.WaitGroup
	for range connections {
		group.Go(func() {
			s, err := a.openStreams(window)
			if err != nil {
				return // there are too many already
			}
			defer s.Close()
			for range requests {
				if send(s) != nil {
					return // cut off
				}
			}
			time.Sleep(lasts)
		})
	}
	group.Wait()
}

func startAttackedWithTLS(t *testing.T) *attacked {
	certificate, key := throwAwayCertificate(t)
	a := startAttacked(t, map[string]string{"BARONG_TLS_CERT": certificate, "BARONG_TLS_KEY": key})
	a.url = strings.Replace(a.url, "http://", "https://", 1)
	return a
}

// Streams and headers of HTTP/2 that cost a stranger next to nothing cost the server
// little.
func TestStrangersOverHTTP2DoNotTakeTheServersMemory(t *testing.T) {
	long.Test(t)
	a := startAttackedWithTLS(t)
	a.attack("streams without a body", func(*goodClient) {
		a.flood(70, 250, 65535, 3*time.Second, func(s *stream) error { return s.request("/users/get", 65536) })
	})
	a.attack("headers by reference", func(*goodClient) {
		large := hpack.HeaderField{Name: "x-large", Value: strings.Repeat("x", 3000)}
		a.flood(70, 250, 65535, 3*time.Second, func(s *stream) error {
			return s.request("/users/get", 65536, large, large, large, large, large)
		})
	})
	a.attack("answers that nobody takes", func(*goodClient) {
		a.flood(70, 250, 0, 3*time.Second, func(s *stream) error { return s.request("/users/get", 0) })
	})
	a.attack("bodies that stop", func(*goodClient) {
		a.flood(70, 50, 65535, 3*time.Second, func(s *stream) error {
			if err := s.request("/documents", 16<<20); err != nil {
				return err
			}
			return s.framer.WriteData(s.next-2, false, make([]byte, 1024))
		})
	})
	a.finish()
}

// Whoever has stolen one signer's token does not keep the other signers out, however
// slowly he takes the answers.
func TestOneStolenTokenLeavesOthersTheirPlaces(t *testing.T) {
	long.Test(t)
	a := startAttackedWithTLS(t)
	a.importUsers(1000)
	authorization := hpack.HeaderField{Name: "authorization", Value: "Bearer " + a.stolenToken()}
	for name, body := range map[string]string{"small answers": `{"limit":1}`, "large answers": `{"limit":1000,"extended":true}`, "uploads that stop": ""} {
		a.attack("a stolen token: "+name, func(*goodClient) {
			a.flood(30, 50, 0, 12*time.Second, func(s *stream) error {
				if body == "" {
					if err := s.request("/users/list", 16<<20, authorization); err != nil {
						return err
					}
					return s.framer.WriteData(s.next-2, false, make([]byte, 8192))
				}
				if err := s.request("/users/list", len(body), authorization); err != nil {
					return err
				}
				return s.framer.WriteData(s.next-2, true, []byte(body))
			})
		})
	}
	a.finish()
}

// importUsers makes answers that are worth an attacker's while.
func (a *attacked) importUsers(count int) {
	good := &goodClient{t: a.t, signer: a.who.signer, url: a.url}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	var group sync.WaitGroup
	for worker := range workers {
		group.Go(func() {
			for i := worker; i < count; i += workers {
				body := fmt.Sprintf(`{"email": "user%d@example.com", "password_digest": %q, "first_name": "Ada", "city": "London"}`, i, digest)
				if got := good.call(client, good.bearer("/users/import", body)); got != http.StatusCreated {
					a.t.Errorf("an import was answered %d: %q", got, good.wrong)
					return
				}
			}
		})
	}
	group.Wait()
}
