package server

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"barong/reload"
)

// Certificates is what the public listener shows and asks for in TLS. It is
// replaced, connection by connection, when its files change, and safe for
// concurrent use.
type Certificates struct {
	config atomic.Pointer[tls.Config]
	files  *reload.Files
}

// OpenCertificates reads a chain, the leaf first, and its key, both PEM. Where
// clientCA names a file of certificates, a client must show one that one of them
// has signed for clients; else none is asked for. The error says what is wrong.
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
		config.ClientCAs = x509.NewCertPool()
		if !config.ClientCAs.AppendCertsFromPEM(contents[2]) {
			return errors.New("the file of the clients' authorities has no certificate")
		}
		config.ClientAuth = tls.RequireAndVerifyClientCert
		// A ticket would let in whom an authority that was taken away has signed.
		config.SessionTicketsDisabled = true
	}
	c.config.Store(config)
	return nil
}

// Config is for a listener: each handshake takes the certificates then in force.
func (c *Certificates) Config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: c.config.Load().NextProtos, // by which net/http learns that it speaks HTTP/2 here
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			return c.config.Load(), nil
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
