// Package endpoints reads the file of BARONG_WEBHOOKS: the receivers of events by HTTP, with their
// secrets. The file is read again when it changes.
package endpoints

import (
	"crypto/ed25519"
	"net/netip"
	"net/url"
	"slices"
	"time"

	"barong/internal/events"
)

// Rotation is how long the previous secret and key sign beside the new ones, from rotated_at.
const Rotation = 24 * time.Hour

// Endpoint is a receiver of events.
type Endpoint struct {
	Name     string // up to 40 lowercase letters, digits and hyphens: the only part that logs and metrics show
	URL      *url.URL
	Types    []events.Type // empty: all
	Full     bool          // the events contain the records as the API answers them
	Networks []netip.Prefix
	Enabled  bool

	Secret   []byte             // for signatures v1
	Key      ed25519.PrivateKey // for signatures v1a; nil: none
	previous credentials
}

// credentials are those before a rotation.
type credentials struct {
	secret []byte
	key    ed25519.PrivateKey
	until  time.Time
}

// Wants reports whether events of a type are delivered to the endpoint.
func (e *Endpoint) Wants(t events.Type) bool { return len(e.Types) == 0 || slices.Contains(e.Types, t) }

// Secrets returns the secrets that sign at a time, the new one first.
func (e *Endpoint) Secrets(now time.Time) [][]byte {
	if e.previous.secret != nil && now.Before(e.previous.until) {
		return [][]byte{e.Secret, e.previous.secret}
	}
	return [][]byte{e.Secret}
}

// Keys returns the Ed25519 keys that sign at a time, the new one first.
func (e *Endpoint) Keys(now time.Time) []ed25519.PrivateKey {
	var keys []ed25519.PrivateKey
	if e.Key != nil {
		keys = append(keys, e.Key)
	}
	if e.previous.key != nil && now.Before(e.previous.until) {
		keys = append(keys, e.previous.key)
	}
	return keys
}

// Sink is the name of the cursor of an endpoint's events.
func Sink(name string) string { return "webhook:" + name }
