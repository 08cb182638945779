package cli

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"
)

// connection holds the options for connecting to a server.
type connection struct {
	Cert   string `placeholder:"FILE" env:"BARONG_CLIENT_CERT" help:"PEM file with the client certificate, for a server that requires one."`
	Key    string `placeholder:"FILE" env:"BARONG_CLIENT_KEY" help:"PEM file with its key."`
	CACert string `name:"cacert" placeholder:"FILE" env:"BARONG_CACERT" help:"PEM file with the certificate authorities that the server's certificate is verified with; by default those of this machine."`
}

// client returns an HTTP client that follows no redirects: a signed request is for one server,
// and a redirect would send it, with its token, to another.
func (c connection) client() (*http.Client, error) {
	if (c.Cert == "") != (c.Key == "") {
		return nil, errors.New("--cert and --key must be given together")
	}
	options := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.Cert != "" {
		pair, err := tls.LoadX509KeyPair(c.Cert, c.Key)
		if err != nil {
			return nil, fmt.Errorf("--cert and --key: %w", err)
		}
		// The certificate is sent even if the server's list of authorities excludes it, so
		// that the server reports why it rejects it.
		options.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
	}
	if c.CACert != "" {
		text, err := os.ReadFile(c.CACert)
		if err != nil {
			return nil, fmt.Errorf("--cacert: %w", err)
		}
		options.RootCAs = x509.NewCertPool()
		if !options.RootCAs.AppendCertsFromPEM(text) {
			return nil, errors.New("--cacert names a file without a certificate")
		}
	}
	transport := http.DefaultTransport.(*http.Transport).Clone() //nolint:forcetypeassert // the variable always has this type
	transport.TLSClientConfig = options
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}

// alerts maps the TLS alerts with which servers reject a client to explanations. The keys are
// the messages of crypto/tls, which exports no type for them.
var alerts = map[string]string{
	"tls: certificate required":           "the server asks for a client's certificate: give one with --cert and --key",
	"tls: unknown certificate authority":  "the server does not know the authority that has signed the certificate of --cert",
	"tls: bad certificate":                "the server does not accept the certificate of --cert, or asks for one that was not given",
	"tls: unsupported certificate":        "the certificate of --cert is not for clients",
	"tls: revoked certificate":            "the certificate of --cert has been revoked",
	"tls: expired certificate":            "the certificate of --cert has expired",
	"tls: unknown certificate":            "the server does not accept the certificate of --cert",
	"tls: handshake failure":              "the server and this program have no version or cipher of TLS in common",
	"tls: protocol version not supported": "the server and this program have no version of TLS in common",
}

// explainHandshake explains a TLS error. It is "" for other errors.
func explainHandshake(err error) string {
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	var plain tls.RecordHeaderError
	var remote *net.OpError
	switch {
	case errors.As(err, &unknown):
		return "no authority that is known here has signed the server's certificate: name its file with --cacert"
	case errors.As(err, &name):
		return "the server's certificate is for another name than that in the URL"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "the server's certificate has expired or is not valid yet"
	case errors.As(err, &invalid):
		return "the server's certificate is not valid"
	case errors.As(err, &plain), errors.Is(err, http.ErrSchemeMismatch):
		return "the server speaks no TLS there: the URL may have to begin with http://"
	case errors.As(err, &remote) && remote.Op == "remote error":
		return alerts[remote.Err.Error()]
	default:
		return ""
	}
}

// verdictTimeout bounds the second connection that reads the server's TLS alert.
const verdictTimeout = 3 * time.Second

// verdict returns why a server closes a connection immediately after the handshake. In TLS 1.3
// the server verifies the client's certificate when the client may already be sending, and the
// broken connection can hide the alert. verdict opens another connection, sends nothing and
// reads the alert.
func verdict(client *http.Client, server *url.URL) string {
	transport, ok := client.Transport.(*http.Transport)
	if !ok || server.Scheme != "https" {
		return ""
	}
	address := server.Host
	if server.Port() == "" {
		address = net.JoinHostPort(server.Hostname(), "443")
	}
	ctx, cancel := context.WithTimeout(context.Background(), verdictTimeout)
	defer cancel()
	dialer := tls.Dialer{Config: transport.TLSClientConfig}
	opened, err := dialer.DialContext(ctx, "tcp", address)
	if err == nil {
		defer func() { _ = opened.Close() }()
		_ = opened.SetReadDeadline(time.Now().Add(verdictTimeout))
		_, err = opened.Read(make([]byte, 1))
	}
	if err == nil {
		return ""
	}
	return explainHandshake(err)
}

// unreached returns the error for a server that did not respond, without secrets that its URL
// may contain.
func unreached(client *http.Client, server string, err error) error {
	why := explainHandshake(err)
	if parsed, failure := url.Parse(server); failure == nil {
		server = parsed.Redacted()
		if why == "" {
			why = verdict(client, parsed)
		}
	}
	if why != "" {
		return fmt.Errorf("the server at %s did not answer: %s (%w)", server, why, err)
	}
	return fmt.Errorf("the server at %s did not answer: %w", server, err)
}
