package server

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"sync/atomic"
	"time"

	"barong/internal/reload"
)

// Certificates is the TLS configuration of the public listener: its certificate, and the
// authorities for client certificates. When a file changes, new handshakes use the new
// configuration. It is safe for concurrent use.
type Certificates struct {
	config  atomic.Pointer[tls.Config]
	files   *reload.Files
	clients clientConnections
}

// OpenCertificates loads a PEM certificate chain (leaf first) and its PEM private key. If
// clientCA names a file of authority certificates, each client must present a certificate for
// client authentication that one of them signed; if it is empty, the server requests no
// certificate. The file may contain only certificates and comments.
func OpenCertificates(chain, key, clientCA string, log *slog.Logger) (*Certificates, error) {
	paths := []string{chain, key}
	if clientCA != "" {
		paths = append(paths, clientCA)
	}
	c := &Certificates{}
	var err error
	c.files, err = reload.Open("certificate", log, c.accept, paths...)
	if err != nil {
		return nil, err
	}
	return c, nil
}

func (c *Certificates) accept(contents [][]byte) error {
	pair, err := tls.X509KeyPair(contents[0], contents[1])
	if err != nil {
		return err
	}
	if time.Now().After(pair.Leaf.NotAfter) {
		return fmt.Errorf("the certificate has expired on %s", pair.Leaf.NotAfter.Format(time.DateOnly))
	}
	config := &tls.Config{
		MinVersion:   tls.VersionTLS12,
		Certificates: []tls.Certificate{pair},
		NextProtos:   []string{"h2", "http/1.1"},
	}
	if len(contents) > 2 {
		if config.ClientCAs, err = parseAuthorities(contents[2]); err != nil {
			return err
		}
		config.ClientAuth = tls.RequireAndVerifyClientCert
		// A session ticket would let a client resume after its authority was removed.
		config.SessionTicketsDisabled = true
	}
	c.config.Store(config)
	c.clients.endAllBut(config.ClientCAs)
	return nil
}

// Listen wraps a listener in TLS. Each handshake uses the certificates then in force. A
// connection is closed when no authority in force has signed the client's certificate.
func (c *Certificates) Listen(listener net.Listener) net.Listener {
	return tls.NewListener(watchedListener{listener, &c.clients}, c.listenerConfig())
}

func (c *Certificates) listenerConfig() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: c.config.Load().NextProtos, // net/http enables HTTP/2 only if the listener's own configuration offers h2
		GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			config := c.config.Load()
			if config.ClientCAs == nil {
				return config, nil
			}
			config = config.Clone()
			config.VerifyConnection = func(state tls.ConnectionState) error {
				return c.clients.add(hello.Conn, state.PeerCertificates, func() *x509.CertPool { return c.config.Load().ClientCAs })
			}
			return config, nil
		},
	}
}

// Expiry returns the time at which the certificate in force expires.
func (c *Certificates) Expiry() time.Time { return c.config.Load().Certificates[0].Leaf.NotAfter }

// Reload reads the files again at once. If one is missing or invalid, the error is logged and
// the configuration in force stays.
func (c *Certificates) Reload() { c.files.Reload() }

// Watch reloads the files when they change, until ctx ends.
func (c *Certificates) Watch(ctx context.Context, every time.Duration) { c.files.Watch(ctx, every) }
