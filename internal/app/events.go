package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"

	"barong/clients/go/signing"
	"barong/internal/config"
	"barong/internal/documents"
	"barong/internal/eventapi"
	"barong/internal/rabbitmq"
)

// checkEvents checks the settings of the broker before the wait for the database.
func (s *Server) checkEvents(context.Context) error { return checkBroker(s.Settings) }

// warnOfEventsWithoutJournal logs a warning where events are configured and nothing is written of which they
// could be made.
func warnOfEventsWithoutJournal(c config.Config, log *slog.Logger) {
	for name, value := range map[string]string{"BARONG_EVENTS_AMQP_URL": c.EventsAMQPURL, "BARONG_WEBHOOKS": c.Webhooks} {
		if value != "" && c.Journal == config.Off {
			log.Warn(name + " is set and BARONG_JOURNAL is off: writes make no events, because events are derived from the journal")
		}
	}
}

func checkBroker(c config.Config) error {
	if c.EventsAMQPURL == "" {
		return nil
	}
	if err := rabbitmq.CheckURL(c.EventsAMQPURL); err != nil {
		return fmt.Errorf("BARONG_EVENTS_AMQP_URL: %w", err)
	}
	for _, name := range c.EventsAMQPRequired {
		if !eventapi.Known(name) {
			return fmt.Errorf("BARONG_EVENTS_AMQP_REQUIRED: there is no event %q, but %q", name, eventapi.Names)
		}
	}
	return nil
}

// openEvents makes the publisher of events, if a broker is configured, and watches how far the receivers of
// events are, if there are any. Whether the broker can be reached is found out later: requests do not depend
// on it.
func (s *Server) openEvents(ctx context.Context) error {
	metrics := newEventMetrics(s.registry)
	if s.Settings.EventsAMQPURL == "" && s.endpoints == nil {
		return nil
	}
	if s.Settings.EventsAMQPURL != "" {
		s.events = newPublisher(&s.App, s.service.Signer, s.service.Documents, metrics.amqp())
		if err := s.Repo.OpenEventCursor(ctx, rabbitmq.Sink); err != nil {
			return err
		}
	}
	metrics.read(ctx, s.Repo)
	ctx, stop := context.WithCancel(ctx)
	s.onClose(stop)
	go metrics.watch(ctx, s.Repo)
	return nil
}

func newPublisher(a *App, signer *signing.Signer, store *documents.Store, counts rabbitmq.Counts) *rabbitmq.Publisher {
	return rabbitmq.New(rabbitmq.Options{
		URL: a.Settings.EventsAMQPURL, Durable: a.Settings.EventsAMQPDurable, Required: a.Settings.EventsAMQPRequired,
		Store: a.Repo, Holder: uuid.NewString(), Log: a.Log, Counts: counts,
		Signer: &eventapi.Signer{Key: signer, Subjects: a.Repo, URL: store.URL, Clock: time.Now, Expiry: a.Settings.EventsAMQPExpiry},
	})
}

// publishEvents publishes until ctx ends. The returned function waits for the end.
func (s *Server) publishEvents(ctx context.Context) (wait func()) {
	var running sync.WaitGroup
	if s.events != nil {
		running.Go(func() { s.events.Run(ctx) })
	}
	return running.Wait
}

// ErrNoBroker is reported by a command that needs the broker, where none is configured.
var ErrNoBroker = errors.New("BARONG_EVENTS_AMQP_URL is not set")

// OpenPublisher opens the publisher for a command, with the settings and keys of the server. It counts by
// the given functions.
func (a *App) OpenPublisher(ctx context.Context, counts rabbitmq.Counts) (*rabbitmq.Publisher, error) {
	if a.Settings.EventsAMQPURL == "" {
		return nil, ErrNoBroker
	}
	if err := checkBroker(a.Settings); err != nil {
		return nil, err
	}
	signer, err := OpenSigner(a.Settings, a.Log)
	if err != nil {
		return nil, err
	}
	store, err := a.OpenSigningStorage(ctx)
	if err != nil {
		return nil, err
	}
	return newPublisher(a, signer, store, counts), nil
}
