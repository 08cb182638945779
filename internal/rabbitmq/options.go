// Package rabbitmq publishes the events of the journal to a broker that speaks AMQP 0-9-1, as messages of
// Barong's Event API. One server at a time publishes, in order, and each message at least once: the cursor
// follows the broker's confirms.
package rabbitmq

import (
	"errors"
	"log/slog"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"barong/internal/eventapi"
	"barong/repository"
)

// Sink is the name of the broker among the receivers of events.
const Sink = "amqp"

// Counts are called for each message. All are required.
type Counts struct {
	Published  func(name string) // the broker has confirmed it
	Unroutable func(name string) // no queue was bound to its name
	Gone       func(name string) // not sent: what it is about is gone
}

// Options are what a publisher needs. All are required unless marked otherwise.
type Options struct {
	URL      string   // amqp or amqps, with the virtual host
	Durable  bool     // how an exchange is declared that does not exist
	Required []string // names of messages that wait for a queue; of others, one without a queue is lost
	Store    *repository.Repository
	Signer   *eventapi.Signer
	Holder   string // identifies the server among those that share the database
	Log      *slog.Logger
	Counts   Counts
	Pace     Pace // the zero value is replaced by DefaultPace
}

// Pace has the intervals of a publisher.
type Pace struct {
	Poll    time.Duration // at which the end of the journal is looked at
	Lease   time.Duration // at which a server asks for the lease, and its holder extends it
	Silence time.Duration // how long a confirm may take
	Retry   time.Duration // the first wait after a failure; each next one is twice as long
	Max     time.Duration // the longest wait after a failure
}

// DefaultPace is the pace of a server.
var DefaultPace = Pace{Poll: 200 * time.Millisecond, Lease: 5 * time.Second, Silence: 5 * time.Second, Retry: time.Second, Max: 30 * time.Second}

// CheckURL reports what is wrong with the URL of a broker. The error does not repeat the URL, which has a
// password.
func CheckURL(text string) error {
	if _, err := amqp.ParseURI(text); err != nil {
		return errors.New("it must be a URL that begins with amqp:// or amqps://; special characters of user, password and virtual host are written as %XX")
	}
	return nil
}
