package rabbitmq

import (
	"errors"
	"fmt"
	"log/slog"

	amqp "github.com/rabbitmq/amqp091-go"

	"barong/repository"
)

// status is what was last logged of the publisher. Only changes are logged.
type status struct {
	log  *slog.Logger
	last string
}

// report logs how publishing stands, if that has changed, and tells whether another server publishes. A
// nil error means that messages are published.
func (s *status) report(err error) (waits bool) {
	var held *heldError
	switch {
	case err == nil:
		s.change("publishing", func() { s.log.Info("events are published to the broker") })
	case errors.Is(err, repository.ErrNotHolder):
		s.change("waiting", func() { s.log.Info("another server publishes the events") })
		return true
	case errors.As(err, &held):
		s.change("held "+held.name, func() {
			s.log.Warn("events are held until a queue is bound", "name", held.name)
		})
	default:
		s.change("failing", func() { s.log.Warn("events cannot be published, and are kept", "error", err) })
	}
	return false
}

func (s *status) change(to string, log func()) {
	if s.last != to {
		s.last = to
		log()
	}
}

// closedBy is the end of a connection as an error.
func closedBy(err *amqp.Error) error {
	if err == nil {
		return amqp.ErrClosed
	}
	return fmt.Errorf("the broker has closed the channel: %w", err)
}
