package server

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"sync"
)

// parseAuthorities reads PEM certificates. White space and comment lines (#) between them are
// ignored. Anything else is an error: a private key does not belong in a file that is
// distributed, and an unreadable block may be an authority that the operator meant to trust.
func parseAuthorities(text []byte) (*x509.CertPool, error) {
	pool := x509.NewCertPool()
	found := 0
	for {
		text = skipComments(text)
		if len(text) == 0 {
			break
		}
		block, rest := pem.Decode(text)
		// pem.Decode skips a malformed block silently, together with everything before the
		// next valid one. The checks below report it instead.
		if block == nil || !bytes.HasPrefix(text, []byte("-----BEGIN")) || bytes.Count(text[:len(text)-len(rest)], []byte("-----BEGIN")) != 1 {
			return nil, fmt.Errorf("the file of the clients' authorities has something that is no certificate behind %d of them", found)
		}
		if block.Type != "CERTIFICATE" {
			return nil, fmt.Errorf("the file of the clients' authorities has something else than certificates (%.20q) behind %d of them", block.Type, found)
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("certificate %d of the clients' authorities cannot be read: %w", found+1, err)
		}
		pool.AddCert(certificate)
		found++
		text = rest
	}
	if found == 0 {
		return nil, errors.New("the file of the clients' authorities has no certificate")
	}
	return pool, nil
}

func skipComments(text []byte) []byte {
	for {
		text = bytes.TrimSpace(text)
		if !bytes.HasPrefix(text, []byte("#")) {
			return text
		}
		_, text, _ = bytes.Cut(text, []byte("\n"))
	}
}

// clientConnections is the set of open connections whose clients showed a certificate. It is
// safe for concurrent use.
type clientConnections struct {
	mutex sync.Mutex
	open  map[net.Conn][]*x509.Certificate // by connection: the chain that the client sent
}

// add stores a connection whose client was verified. It verifies the chain again, under the
// lock and against the authorities in force, so that an authority that was removed during the
// handshake admits no client.
func (c *clientConnections) add(connection net.Conn, chain []*x509.Certificate, inForce func() *x509.CertPool) error {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if err := verifyClient(chain, inForce()); err != nil {
		return err
	}
	if c.open == nil {
		c.open = map[net.Conn][]*x509.Certificate{}
	}
	c.open[connection] = chain
	return nil
}

func (c *clientConnections) forget(connection net.Conn) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	delete(c.open, connection)
}

// endAllBut closes the connections of all clients whose certificates no authority of the pool
// has signed.
func (c *clientConnections) endAllBut(authorities *x509.CertPool) {
	for _, connection := range c.unauthorized(authorities) {
		_ = connection.Close() // Close removes it from the set
	}
}

func (c *clientConnections) unauthorized(authorities *x509.CertPool) (found []net.Conn) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	for connection, chain := range c.open {
		if verifyClient(chain, authorities) != nil {
			found = append(found, connection)
		}
	}
	return found
}

func verifyClient(chain []*x509.Certificate, authorities *x509.CertPool) error {
	if len(chain) == 0 {
		return errors.New("the client has shown no certificate")
	}
	intermediates := x509.NewCertPool()
	for _, certificate := range chain[1:] {
		intermediates.AddCert(certificate)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{Roots: authorities, Intermediates: intermediates, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	return err
}

// watchedListener accepts connections that remove themselves from clients when they are
// closed.
type watchedListener struct {
	net.Listener
	clients *clientConnections
}

func (l watchedListener) Accept() (net.Conn, error) {
	connection, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &watchedConnection{connection, l.clients}, nil
}

type watchedConnection struct {
	net.Conn
	clients *clientConnections
}

// NetConn returns the underlying connection, like [tls.Conn.NetConn].
func (c *watchedConnection) NetConn() net.Conn { return c.Conn }

func (c *watchedConnection) Close() error {
	c.clients.forget(c)
	return c.Conn.Close()
}
