package tests

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	sdk "barong/clients/go"
	"barong/internal/otp"
)

// elsewhere is a stranger, and a server that redirects everything to it.
func elsewhere(t *testing.T, status int) (visits *atomic.Int64, redirecting *httptest.Server) {
	t.Helper()
	visits = &atomic.Int64{}
	stranger := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		visits.Add(1)
		w.WriteHeader(http.StatusCreated)
	}))
	t.Cleanup(stranger.Close)
	redirecting = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, stranger.URL+r.URL.Path, status)
	}))
	t.Cleanup(redirecting.Close)
	return visits, redirecting
}

func TestNobodyFollowsARedirectToAStranger(t *testing.T) {
	t.Parallel()
	key := filepath.Join(t.TempDir(), "backend.pem")
	if _, stderr, exit := barong(t, nil, "keygen", "backend", "--out", key); exit != 0 {
		t.Fatal(stderr)
	}
	for _, status := range []int{http.StatusMovedPermanently, http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect} {
		visits, redirecting := elsewhere(t, status)
		if out, _, exit := barong(t, map[string]string{"BARONG_URL": redirecting.URL}, "call", "getTimestamp", "--signer", "backend="+key); exit == 0 {
			t.Errorf("call, %d: %s", status, out)
		}
		vault := &otp.Vault{Address: redirecting.URL, Token: func() (string, error) { return vaultToken, nil }, Client: http.DefaultClient}
		if _, err := vault.Check(t.Context(), "ID1", "123456"); err == nil {
			t.Errorf("Vault, %d: taken", status)
		}
		api, err := sdk.New(redirecting.URL, sdk.Envelope(backend().signer), sdk.WithHTTPClient(&http.Client{}))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := api.GetTimestampWithResponse(t.Context(), nil); err == nil {
			t.Errorf("client, %d: taken", status)
		}
		if n := visits.Load(); n != 0 {
			t.Errorf("%d: the stranger got %d requests", status, n)
		}
	}
}

func TestPlainVaultElsewhereIsWarnedOfAtTheStart(t *testing.T) {
	t.Parallel()
	url := newDatabase(t)
	for address, want := range map[string]bool{"http://192.0.2.1:8200": true, "http://127.0.0.1:8200": false, "http://localhost:8200": false, "https://192.0.2.1:8200": false} {
		p := serve(t, map[string]string{"BARONG_DATA_DIR": t.TempDir(), "DATABASE_URL": url, "BARONG_OTP_BACKEND": "vault", "VAULT_ADDR": address, "VAULT_TOKEN": "x"})
		p.signal(syscall.SIGTERM)
		p.stops()
		if got := strings.Contains(p.log.String(), "VAULT_ADDR begins with http://"); got != want {
			t.Errorf("%s: warned %t", address, got)
		}
	}
}

// issue makes a certificate and its key, and puts both into files. Without an issuer
// it is an authority's.
func issue(t *testing.T, dir, name string, issuer *issued, until time.Duration, host string) *issued {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(until),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if host != "" {
		template.IPAddresses = []net.IP{net.ParseIP(host)}
	}
	if issuer == nil {
		template.IsCA, template.BasicConstraintsValid, template.KeyUsage, template.ExtKeyUsage = true, true, x509.KeyUsageCertSign, nil
		issuer = &issued{certificate: template, key: key}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, issuer.certificate, &key.PublicKey, issuer.key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	made := &issued{key: key, crt: filepath.Join(dir, name+".crt"), pem: filepath.Join(dir, name+".key")}
	if made.certificate, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	for path, block := range map[string]*pem.Block{made.crt: {Type: "CERTIFICATE", Bytes: der}, made.pem: {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return made
}

type issued struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	crt, pem    string
}

func TestCallShowsACertificateAndSaysWhyAHandshakeFailed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ca, strangers := issue(t, dir, "ca", nil, time.Hour, ""), issue(t, dir, "strangers", nil, time.Hour, "")
	shown, misnamed := issue(t, dir, "server", ca, time.Hour, "127.0.0.1"), issue(t, dir, "misnamed", ca, time.Hour, "192.0.2.1")
	good, foreign, old := issue(t, dir, "client", ca, time.Hour, ""), issue(t, dir, "foreign", strangers, time.Hour, ""), issue(t, dir, "old", ca, -time.Hour, "")
	settings := map[string]string{"BARONG_DATA_DIR": dir, "DATABASE_URL": newDatabase(t), "BARONG_TLS_CERT": shown.crt, "BARONG_TLS_KEY": shown.pem, "BARONG_TLS_CLIENT_CA": ca.crt}
	p := serve(t, settings)
	other := serve(t, map[string]string{"BARONG_DATA_DIR": dir, "DATABASE_URL": settings["DATABASE_URL"], "BARONG_TLS_CERT": misnamed.crt, "BARONG_TLS_KEY": misnamed.pem})
	plain := serve(t, map[string]string{"BARONG_DATA_DIR": dir, "DATABASE_URL": settings["DATABASE_URL"]})
	for _, c := range []struct {
		address, want string
		options       []string
	}{
		{p.public, "", []string{"--cacert", ca.crt, "--cert", good.crt, "--key", good.pem}},
		{p.public, "name its file with --cacert", []string{"--cert", good.crt, "--key", good.pem}},
		{p.public, "asks for a client's certificate", []string{"--cacert", ca.crt}},
		{p.public, "", []string{"--cacert", ca.crt, "--cert", foreign.crt, "--key", foreign.pem}},
		{p.public, "", []string{"--cacert", ca.crt, "--cert", old.crt, "--key", old.pem}},
		{other.public, "is for another name", []string{"--cacert", ca.crt}},
		{plain.public, "speaks no TLS there", []string{"--cacert", ca.crt}},
		{p.public, "must be given together", []string{"--cacert", ca.crt, "--cert", good.crt}},
		{p.public, "--cacert names a file without a certificate", []string{"--cacert", good.pem}},
	} {
		out, stderr, exit := barong(t, map[string]string{"BARONG_URL": "https://" + c.address, "BARONG_DATA_DIR": dir}, append([]string{"call", "getTimestamp"}, c.options...)...)
		succeeds := c.want == "" && strings.Contains(strings.Join(c.options, " "), good.crt)
		refusedAs := c.want != "" || succeeds || strings.Contains(stderr, "certificate of --cert")
		if (exit == 0) != succeeds || !strings.Contains(stderr, c.want) || !refusedAs {
			t.Errorf("%v: %d %s%s", c.options, exit, out, stderr)
		}
	}
}
