package server_test

import (
	"bytes"
	"crypto/tls"
	"log/slog"
	"net/http"
	"net/http/httptrace"
	"testing"
	"time"

	"barong/internal/server"
)

func TestOpenConnectionsOfARemovedAuthorityEnd(t *testing.T) {
	t.Parallel()
	for _, protocols := range [][]string{{"http/1.1"}, {"h2", "http/1.1"}} {
		f := listenTLS(t, true)
		others := newAuthority(t)
		f.put(f.ca, append(f.clients.pem(), others.pem()...))
		f.certificates.Reload()
		with := func(signer authority) *http.Client {
			pair, err := tls.X509KeyPair(signer.leaf(time.Hour))
			if err != nil {
				t.Fatal(err)
			}
			client := f.client(&tls.Config{Certificates: []tls.Certificate{pair}, NextProtos: protocols}, true)
			client.Transport.(*http.Transport).ForceAttemptHTTP2 = protocols[0] == "h2"
			return client
		}
		removed, staying := with(f.clients), with(others)
		reused := func(client *http.Client) (bool, error) {
			var again bool
			request, err := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
				GotConn: func(info httptrace.GotConnInfo) { again = info.Reused },
			}), http.MethodGet, "https://"+f.address+"/", http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			response, err := client.Do(request)
			if err != nil {
				return again, err
			}
			defer response.Body.Close()
			_, err = new(bytes.Buffer).ReadFrom(response.Body)
			return again, err
		}
		for _, want := range []bool{false, true} {
			for _, client := range []*http.Client{removed, staying} {
				if again, err := reused(client); err != nil || again != want {
					t.Fatalf("%v: reused %t, %v", protocols, again, err)
				}
			}
		}
		f.put(f.ca, others.pem())
		f.certificates.Reload()
		if again, err := reused(removed); err == nil {
			t.Errorf("%v: a client of the removed authority is answered (reused: %t)", protocols, again)
		}
		if again, err := reused(staying); err != nil || !again {
			t.Errorf("%v: the connection of another client ended: %t, %v", protocols, again, err)
		}
	}
}

func TestFileOfClientsAuthoritiesHasCertificatesOnly(t *testing.T) {
	t.Parallel()
	f := listenTLS(t, true)
	ca := f.clients.pem()
	_, key := f.clients.leaf(time.Hour)
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, []byte("\n")) }
	cut := ca[:len(ca)/2]
	for name, content := range map[string][]byte{
		"empty": nil, "comments only": []byte("# nothing\n"), "a key behind": join(ca, key), "a key before": join(key, ca), "garbage behind": join(ca, []byte("garbage")),
		"garbage before": join([]byte("garbage"), ca), "garbage between": join(ca, []byte("garbage"), ca), "one that is cut off": join(ca, cut),
		"one that is cut off before": join(cut, ca), "no certificate in it": join(ca, pemOf("CERTIFICATE", []byte("nonsense"))),
	} {
		f.put(f.ca, content)
		if _, err := server.OpenCertificates(f.chain, f.key, f.ca, slog.New(slog.DiscardHandler)); err == nil {
			t.Errorf("%s: a server starts", name)
		}
	}
	for name, content := range map[string][]byte{"two": join(ca, newAuthority(t).pem()), "with comments": join([]byte("# ours"), ca, []byte("\n# the end"))} {
		f.put(f.ca, content)
		if _, err := server.OpenCertificates(f.chain, f.key, f.ca, slog.New(slog.DiscardHandler)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
