package server_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"barong/internal/server"
)

// authority is a certificate authority.
type authority struct {
	t           testing.TB
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(t testing.TB) authority {
	t.Helper()
	a := authority{t: t}
	a.certificate, a.key = a.sign(&x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}, time.Hour)
	return a
}

// sign issues a certificate with a new key. Without an authority it is self-signed.
func (a authority) sign(template *x509.Certificate, good time.Duration) (*x509.Certificate, *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	number, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		a.t.Fatal(err)
	}
	template.SerialNumber, template.Subject = number, pkix.Name{CommonName: "barong test"}
	template.NotBefore, template.NotAfter = time.Now().Add(-2*time.Hour), time.Now().Add(good)
	template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	parent, parentKey := a.certificate, a.key
	if parent == nil {
		parent, parentKey = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, parentKey)
	if err != nil {
		a.t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return certificate, key
}

// leaf issues a certificate for server and client authentication, and returns it with its key
// as PEM.
func (a authority) leaf(good time.Duration) (certificate, key []byte) {
	a.t.Helper()
	made, private := a.sign(&x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}, good)
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		a.t.Fatal(err)
	}
	return pemOf("CERTIFICATE", made.Raw), pemOf("PRIVATE KEY", der)
}

func (a authority) pem() []byte { return pemOf("CERTIFICATE", a.certificate.Raw) }

func (a authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.certificate)
	return pool
}

func pemOf(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// tlsFiles are the files that the settings would name, and the server that uses them.
type tlsFiles struct {
	t                testing.TB
	chain, key, ca   string
	log              *bytes.Buffer
	certificates     *server.Certificates
	address          string
	servers, clients authority
}

// listenTLS starts a server with a certificate. If withClients, it requires client
// certificates.
func listenTLS(t testing.TB, withClients bool) *tlsFiles {
	t.Helper()
	dir := t.TempDir()
	f := &tlsFiles{
		t: t, chain: filepath.Join(dir, "tls.crt"), key: filepath.Join(dir, "tls.key"), log: &bytes.Buffer{},
		servers: newAuthority(t), clients: newAuthority(t),
	}
	f.write(f.servers.leaf(time.Hour))
	if withClients {
		f.ca = filepath.Join(dir, "ca.crt")
		f.put(f.ca, f.clients.pem())
	}
	var err error
	f.certificates, err = server.OpenCertificates(f.chain, f.key, f.ca, slog.New(slog.NewTextHandler(f.log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	f.address = listenWith(t, operation{}, time.Minute, server.DefaultTimeouts, f.certificates).address
	return f
}

func (f *tlsFiles) write(chain, key []byte) { f.put(f.chain, chain); f.put(f.key, key) }

func (f *tlsFiles) put(path string, content []byte) {
	f.t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		f.t.Fatal(err)
	}
}

// client returns a client that opens a connection for each request, unless keep is true.
func (f *tlsFiles) client(config *tls.Config, keep bool) *http.Client {
	config.RootCAs = f.servers.pool()
	transport := &http.Transport{TLSClientConfig: config, DisableKeepAlives: !keep, ForceAttemptHTTP2: true}
	f.t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 10 * time.Second}
}

// get requests an unknown path.
func (f *tlsFiles) get(client *http.Client) (*http.Response, error) {
	request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "https://"+f.address+"/", http.NoBody)
	if err != nil {
		return nil, err
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return response, err
}

func TestTLSSpeaksHTTP2AndNothingOlderThanTLS12(t *testing.T) {
	t.Parallel()
	f := listenTLS(t, false)
	response, err := f.get(f.client(&tls.Config{}, true))
	if err != nil || response.ProtoMajor != 2 || response.TLS.Version != tls.VersionTLS13 {
		t.Fatalf("%+v, %v", response, err)
	}
	response, err = f.get(f.client(&tls.Config{MaxVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}}, true))
	if err != nil || response.TLS.Version != tls.VersionTLS12 {
		t.Errorf("TLS 1.2: %+v, %v", response, err)
	}
	if _, err := f.get(f.client(&tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, true)); err == nil {
		t.Error("TLS 1.1 is taken")
	}
	plain, err := http.Get("http://" + f.address)
	if err != nil || plain.StatusCode != http.StatusBadRequest {
		t.Errorf("plain HTTP: %v, %v", plain, err)
	}
}

func TestNewCertificateIsTakenWithoutADroppedRequest(t *testing.T) {
	t.Parallel()
	f := listenTLS(t, false)
	stop := make(chan struct{})
	var group sync.WaitGroup
	var sent [2]atomic.Int64
	for i, keep := range []bool{true, false} {
		client := f.client(&tls.Config{}, keep)
		group.Go(func() {
			for ; ; sent[i].Add(1) {
				select {
				case <-stop:
					return
				default:
				}
				if response, err := f.get(client); err != nil || response.StatusCode != http.StatusNotFound {
					t.Errorf("while certificates change: %v, %v", response, err)
					return
				}
			}
		})
	}
	for n := 0; n < 20 || !t.Failed() && min(sent[0].Load(), sent[1].Load()) < 10; n++ {
		chain, key := f.servers.leaf(time.Hour)
		f.put(f.chain, chain)
		f.certificates.Reload() // the chain does not match the key: rejected
		f.put(f.key, key)
		f.certificates.Reload()
		response, err := f.get(f.client(&tls.Config{}, false))
		if err != nil || !bytes.Equal(pemOf("CERTIFICATE", response.TLS.PeerCertificates[0].Raw), chain) {
			t.Fatalf("another certificate is shown: %v", err)
		}
	}
	close(stop)
	group.Wait()
	if refused, loaded := bytes.Count(f.log.Bytes(), []byte("certificate file refused")), bytes.Count(f.log.Bytes(), []byte("certificate loaded")); refused != 20 || loaded != 20 {
		t.Errorf("%d refused and %d loaded in\n%s", refused, loaded, f.log)
	}
}

func TestBrokenOrExpiredCertificateIsNotTaken(t *testing.T) {
	t.Parallel()
	f := listenTLS(t, false)
	good := f.certificates.Expiry()
	for _, content := range []string{"", "-----BEGIN CERTIFICATE-----"} {
		f.put(f.chain, []byte(content))
		f.certificates.Reload()
	}
	f.write(f.servers.leaf(-time.Minute))
	f.certificates.Reload()
	if !f.certificates.Expiry().Equal(good) {
		t.Error("it is in force")
	}
	if _, err := server.OpenCertificates(f.chain, f.key, "", slog.New(slog.DiscardHandler)); err == nil {
		t.Error("a server starts with an expired certificate")
	}
	if _, err := f.get(f.client(&tls.Config{}, false)); err != nil {
		t.Error(err)
	}
}

func TestClientsNeedACertificateOfTheirAuthority(t *testing.T) {
	t.Parallel()
	f := listenTLS(t, true)
	with := func(signer authority, good time.Duration) *tls.Config {
		pair, err := tls.X509KeyPair(signer.leaf(good))
		if err != nil {
			t.Fatal(err)
		}
		return &tls.Config{Certificates: []tls.Certificate{pair}, ClientSessionCache: tls.NewLRUClientSessionCache(4)}
	}
	known := f.client(with(f.clients, time.Hour), false)
	if _, err := f.get(known); err != nil {
		t.Errorf("with a certificate: %v", err)
	}
	for name, config := range map[string]*tls.Config{
		"without one":          {},
		"of another authority": with(newAuthority(t), time.Hour),
		"expired":              with(f.clients, -time.Minute),
	} {
		if _, err := f.get(f.client(config, false)); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	// Removing an authority closes its clients' connections and invalidates their sessions.
	f.put(f.ca, newAuthority(t).pem())
	f.certificates.Reload()
	if _, err := f.get(known); err == nil {
		t.Error("a client of an authority that was taken away is let in")
	}
	if _, err := server.OpenCertificates(f.chain, f.key, f.key, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("a file without certificates is taken for authorities")
	}
}
