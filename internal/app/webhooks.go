package app

import (
	"context"
	"fmt"

	"barong/handlers"
	"barong/internal/events"
	"barong/internal/webhooks"
	"barong/internal/webhooks/endpoints"
)

// openEndpoints loads the file of BARONG_WEBHOOKS, which is reloaded like the keychain.
func (s *Server) openEndpoints(context.Context) (err error) {
	if s.Settings.Webhooks == "" {
		return nil
	}
	if s.endpoints, err = endpoints.NewSource(s.Settings.Webhooks, s.Log); err != nil {
		return fmt.Errorf("BARONG_WEBHOOKS: %w", err)
	}
	s.reloaders = append(s.reloaders, s.endpoints)
	return nil
}

// deliverWebhooks delivers events to endpoints in the background until ctx ends. The returned function waits
// until running attempts have ended.
func (s *Server) deliverWebhooks(ctx context.Context) (wait func()) {
	if s.endpoints == nil {
		return func() {}
	}
	service := webhooks.New(webhooks.Options{
		Pool: s.Pool, Repo: s.Repo, Source: s.endpoints, Registry: s.registry, Log: s.Log,
		Records: EventRecords(handlers.EventRecords{Repo: s.Repo, Documents: s.service.Documents}),
	})
	done := make(chan struct{})
	go func() {
		defer close(done)
		service.Run(ctx)
	}()
	return func() { <-done }
}

// EventRecords returns what webhooks of an endpoint with full: true have of the records.
func EventRecords(source handlers.EventRecords) webhooks.Records {
	return func(ctx context.Context, event *events.Event) (map[string]any, error) {
		return source.Records(ctx, event.UID, subjectOf(event))
	}
}

// subjectOf returns what an event is about beside the user.
func subjectOf(event *events.Event) (about handlers.EventSubject) {
	changes := event.Changes
	if len(changes.Labels) > 0 {
		about.LabelKey, about.LabelScope = event.Label().Key, event.Label().Scope
	}
	if changes.Profile != nil {
		about.Profile = changes.Profile.Number
	}
	if changes.Document != nil {
		about.Document = changes.Document.ID
	}
	return about
}
