package eventapi

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"barong/clients/go/signing"
	"barong/internal/events"
	"barong/internal/identity"
)

// ErrGone is reported for a message about a user, a profile or a document that is not there any more:
// nothing may be sent.
var ErrGone = errors.New("what the event is about is gone")

// Subjects reads what a message tells beyond its event; repository.Repository is one. What is not there is
// identity.ErrRecordNotFound.
type Subjects interface {
	EventProfile(ctx context.Context, uid string, number int) (identity.Profile, error)
	EventDocument(ctx context.Context, id int64) (identity.Document, error)
}

// Signer makes the bodies of messages.
type Signer struct {
	Key      *signing.Signer // RS256; its name is iss and kid
	Subjects Subjects
	URL      func(context.Context, identity.File) (string, error) // the signed URL of a document's content
	Clock    func() time.Time
	Expiry   time.Duration // after which a consumer drops the message
}

// claims are the claims of a message, in Barong's order.
type claims struct {
	Issuer   string `json:"iss"`
	JTI      string `json:"jti"`
	IssuedAt int64  `json:"iat"`
	Expires  int64  `json:"exp"`
	Event    body   `json:"event"`
}

type body struct {
	Record  any    `json:"record"`
	Changes any    `json:"changes,omitempty"` // nil: the message tells no changes
	Name    string `json:"name"`
}

// Body returns the signed body of a message about a user, as it is now. The signature is in the General
// JSON serialization (RFC 7515 §7.2.1). What is gone is ErrGone.
func (s *Signer) Body(ctx context.Context, m *Message, user *identity.User) ([]byte, error) {
	told, err := s.body(ctx, m, user)
	if errors.Is(err, identity.ErrRecordNotFound) {
		return nil, ErrGone
	}
	if err != nil {
		return nil, err
	}
	now := s.Clock()
	payload, err := encode(claims{s.Key.ID, m.ID.String(), now.Unix(), now.Add(s.Expiry).Unix(), told})
	if err != nil {
		return nil, err
	}
	encoded := base64.RawURLEncoding.EncodeToString(payload)
	signature, err := s.Key.Sign(encoded, "")
	if err != nil {
		return nil, err
	}
	return signing.Join(encoded, signature)
}

func (s *Signer) body(ctx context.Context, m *Message, user *identity.User) (told body, err error) {
	event := &m.Event
	about := userOf(event, user)
	told.Name = m.Name
	switch event.Type {
	case events.UserCreated:
		told.Record = about
	case events.UserUpdated:
		told.Record, told.Changes = about, changesOfUser(event)
	case events.LabelCreated:
		told.Record = labelOf(event, nestedUser(about))
	case events.LabelUpdated:
		told.Record = labelOf(event, nestedUser(about))
		if m.Name == labelUpdated {
			told.Changes = changesOfLabel(event)
		}
	case events.ProfileCreated:
		var profile identity.Profile
		profile, err = s.Subjects.EventProfile(ctx, event.UID, event.Changes.Profile.Number)
		told.Record = profileOf(&profile, nestedUser(about))
	case events.DocumentCreated:
		told.Record, err = s.document(ctx, event, nestedUser(about))
	default:
		err = fmt.Errorf("%s has no message", event.Type)
	}
	return told, err
}

func (s *Signer) document(ctx context.Context, event *events.Event, user nestedUser) (any, error) {
	document, err := s.Subjects.EventDocument(ctx, event.Changes.Document.ID)
	if err != nil {
		return nil, err
	}
	upload, err := s.URL(ctx, document.File)
	if err != nil {
		return nil, err
	}
	return documentOf(&document, upload, user), nil
}

// encode returns JSON without unnecessary escapes.
func encode(value any) ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(value)
	return bytes.TrimSuffix(text.Bytes(), []byte("\n")), err
}
