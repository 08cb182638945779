package webhooks

import (
	"crypto/x509"
	"net"
	"sync"

	"barong/internal/webhooks/endpoints"
)

// TransportOptions are for tests; the zero value is what a server uses.
type TransportOptions struct {
	Roots    *x509.CertPool // nil: those of the system
	Resolver *net.Resolver  // nil: that of the system
	Ports    []uint16       // of public addresses; nil: endpoints.Ports
}

// senders keeps a sender, and so its connections, for each endpoint in force.
type senders struct {
	options TransportOptions

	mutex  sync.Mutex
	byName map[string]*sender
}

func newSenders(options TransportOptions) *senders {
	return &senders{options: options, byName: map[string]*sender{}}
}

// of returns the sender of an endpoint. It replaces the one of an earlier version of the file.
func (s *senders) of(endpoint *endpoints.Endpoint) *sender {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	found := s.byName[endpoint.Name]
	if found == nil || found.endpoint != endpoint {
		if found != nil {
			found.client.CloseIdleConnections()
		}
		found = newSender(endpoint, s.options)
		s.byName[endpoint.Name] = found
	}
	return found
}
