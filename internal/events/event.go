// Package events derives events from the rows of the journal: there is no second record of what happened.
// An event holds no personal data. What a receiver is told beyond it is read when the event is delivered.
package events

import (
	"strconv"
	"time"

	"github.com/google/uuid"

	"barong/internal/journal"
)

// Type is the type of an event.
type Type string

// The types of events.
const (
	UserCreated     Type = "user.created"
	UserUpdated     Type = "user.updated"
	LabelCreated    Type = "label.created"
	LabelUpdated    Type = "label.updated"
	LabelDeleted    Type = "label.deleted"
	ProfileCreated  Type = "profile.created"
	DocumentCreated Type = "document.created"
	OTPSigned       Type = "otp.signed"
)

// Types are all types of events.
var Types = []Type{UserCreated, UserUpdated, LabelCreated, LabelUpdated, LabelDeleted, ProfileCreated, DocumentCreated, OTPSigned}

// Event is one thing that a write did to a user. Seq and Index order all events.
type Event struct {
	ID    uuid.UUID // the same whenever the event is derived
	Seq   int64     // of the row of the journal
	Index int       // among the events of the row, from 0
	Type  Type
	UID   string    // of the user
	Entry uuid.UUID // of the write
	At    time.Time // of the write

	// Account is the user's account as the event left it; nil: the write does not know it.
	Account *journal.Account
	// Changes has what this event is about: of UserUpdated what changed in the account and Fields, of the
	// events of a label the one label, of ProfileCreated the profile, and of DocumentCreated the document.
	Changes journal.Changes
}

// Label returns the label that an event of a label is about.
func (e *Event) Label() journal.LabelChange { return e.Changes.Labels[0] }

// RelatedID returns the identifier of a message that an event causes beside the one that has its ID: the
// same for the same event and name.
func (e *Event) RelatedID(name string) uuid.UUID { return uuid.NewSHA1(e.ID, []byte(name)) }

// newID is the identifier of an event: UUID version 5 of its index, in the namespace of the write's entry.
func newID(entry uuid.UUID, index int) uuid.UUID {
	return uuid.NewSHA1(entry, []byte(strconv.Itoa(index)))
}
