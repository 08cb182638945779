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

// Certificates is what the public listener shows and asks for in TLS. It is
// replaced, connection by connection, when its files change, and safe for
// concurrent use.
type Certificates struct {
	config  atomic.Pointer[tls.Config]
	files   *reload.Files
	clients clientConnections
}

// OpenCertificates reads a chain, the leaf first, and its key, both PEM. Where
// clientCA names a file of certificates, a client must show one that one of them
// has signed for clients; else none is asked for. That file has nothing else in it.
// The error says what is wrong.
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
		// A ticket would let in whom an authority that was taken away has signed.
		config.SessionTicketsDisabled = true
	}
	c.config.Store(config)
	c.clients.endAllBut(config.ClientCAs)
	return nil
}

// Listen makes connections of a listener speak TLS. Each handshake takes the
// certificates then in force. A connection ends once no authority in force has signed
// the client's certificate.
func (c *Certificates) Listen(listener net.Listener) net.Listener {
	return tls.NewListener(watchedListener{listener, &c.clients}, c.listenerConfig())
}

func (c *Certificates) listenerConfig() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: c.config.Load().NextProtos, // by which net/http learns that it speaks HTTP/2 here
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

// Expiry is when the certificate in force ends.
func (c *Certificates) Expiry() time.Time { return c.config.Load().Certificates[0].Leaf.NotAfter }

// Reload reads the files again, at once. What is gone or refused is logged, and
// what is in force stays.
func (c *Certificates) Reload() { c.files.Reload() }

// Watch reloads the files when they have changed, until ctx ends.
func (c *Certificates) Watch(ctx context.Context, every time.Duration) { c.files.Watch(ctx, every) }
