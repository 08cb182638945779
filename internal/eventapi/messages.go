// Package eventapi turns events into the messages of Barong's Event API: names, exchanges, records and
// signatures are those of Barong 2.3.38, so that its consumers read them.
package eventapi

import (
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"barong/internal/events"
	"barong/internal/identity"
)

// The names of messages. The part before the first dot selects the exchange; the rest is the routing key.
const (
	userCreated      = "model.user.created"
	userUpdated      = "model.user.updated"
	labelCreated     = "model.label.created"
	labelUpdated     = "model.label.updated"
	profileCreated   = "model.profile.created"
	documentCreated  = "model.document.created"
	documentVerified = "system.document.verified"
	documentRejected = "system.document.rejected"
)

// Names are the names of all messages that there can be.
var Names = []string{userCreated, userUpdated, labelCreated, labelUpdated, profileCreated, documentCreated, documentVerified, documentRejected}

// The exchanges of the messages.
const (
	ModelExchange  = "barong.events.model"
	SystemExchange = "barong.events.system"
)

// Message is what is sent of an event, without what is read when it is sent.
type Message struct {
	ID    uuid.UUID // the jti: the same whenever the message is sent
	Name  string
	Index int // among the messages of the row, from 0
	Event events.Event
}

// Exchange is the exchange that the message is published to.
func (m *Message) Exchange() string {
	if strings.HasPrefix(m.Name, "system.") {
		return SystemExchange
	}
	return ModelExchange
}

// RoutingKey is the name without its first part.
func (m *Message) RoutingKey() string {
	_, key, _ := strings.Cut(m.Name, ".")
	return key
}

// modelNames are the messages of events. Barong sends none when a label is deleted, and none of one-time
// codes.
var modelNames = map[events.Type]string{
	events.UserCreated: userCreated, events.UserUpdated: userUpdated, events.LabelCreated: labelCreated, events.LabelUpdated: labelUpdated,
	events.ProfileCreated: profileCreated, events.DocumentCreated: documentCreated,
}

// Of returns the messages of the events of a row, in the order in which they are sent.
func Of(all []events.Event) []Message {
	var messages []Message
	add := func(id uuid.UUID, name string, event events.Event) {
		messages = append(messages, Message{ID: id, Name: name, Index: len(messages), Event: event})
	}
	for _, event := range all {
		if name := reviewName(&event); name != "" {
			add(event.RelatedID("system"), name, event)
		}
		if name, sent := modelNames[event.Type]; sent {
			add(event.ID, name, event)
		}
	}
	return messages
}

// reviewName is the system message that precedes the message of a label, or "": it tells the result of the
// review of a user's documents.
func reviewName(event *events.Event) string {
	if event.Type != events.LabelCreated && event.Type != events.LabelUpdated {
		return ""
	}
	label := event.Label()
	if label.Key != identity.DocumentLabel || label.Scope != identity.ScopePrivate || label.Old != nil && *label.Old == *label.New {
		return ""
	}
	switch *label.New {
	case "verified":
		return documentVerified
	case "rejected":
		return documentRejected
	default:
		return ""
	}
}

// Known reports whether a message can have this name.
func Known(name string) bool { return slices.Contains(Names, name) }

// iso8601 is the form of times: UTC, in whole seconds.
func iso8601(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }
