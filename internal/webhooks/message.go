package webhooks

import (
	"context"
	"encoding/json"
	"time"

	"barong/internal/events"
	"barong/internal/journal"
	"barong/internal/webhooks/endpoints"
)

// bodyLimit is the size of a body that every receiver accepts, in bytes (Standard Webhooks 1.0).
const bodyLimit = 20_000

// TestType is the type of the message of barong webhooks test.
const TestType = "webhook.test"

// message is the body of a webhook. openapi.yaml describes it under x-webhooks.
type message struct {
	Type      string    `json:"type"`
	Timestamp time.Time `json:"timestamp"` // of the write
	Data      any       `json:"data"`
}

// data is what a message says of an event.
type data struct {
	UID      string           `json:"uid"`
	Sequence int64            `json:"sequence"` // of the write, among all writes
	Account  *journal.Account `json:"account,omitempty"`
	Changes  *accountChanges  `json:"changes,omitempty"`
	Fields   []string         `json:"fields,omitempty"`
	Label    *labelChange     `json:"label,omitempty"`
	Profile  *journal.Profile `json:"profile,omitempty"`
	Document *document        `json:"document,omitempty"`
	Records  map[string]any   `json:"records,omitempty"` // as the API answers them
}

type accountChanges struct {
	Level *journal.Change[int]    `json:"level,omitempty"`
	State *journal.Change[string] `json:"state,omitempty"`
	Role  *journal.Change[string] `json:"role,omitempty"`
	OTP   *journal.Change[bool]   `json:"otp,omitempty"`
}

type labelChange struct {
	Key   string  `json:"key"`
	Scope string  `json:"scope"`
	Old   *string `json:"old"`
	New   *string `json:"new"`
}

type document struct {
	Type   string `json:"doc_type"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// Records returns the records that an event is about, by name, as the API answers them now; nil where the
// user is gone.
type Records func(ctx context.Context, event *events.Event) (map[string]any, error)

// body returns the message of an event for an endpoint. The records are left out where the message would be
// larger than bodyLimit with them.
func body(ctx context.Context, endpoint *endpoints.Endpoint, event *events.Event, records Records) ([]byte, error) {
	content := thin(event)
	if endpoint.Full {
		var err error
		if content.Records, err = records(ctx, event); err != nil {
			return nil, err
		}
	}
	m := message{Type: string(event.Type), Timestamp: event.At.UTC(), Data: content}
	text, err := json.Marshal(m)
	if err == nil && len(text) >= bodyLimit && content.Records != nil {
		content.Records = nil
		text, err = json.Marshal(m)
	}
	return text, err
}

// thin is what a message says without personal data.
func thin(event *events.Event) *data {
	c := event.Changes
	content := &data{UID: event.UID, Sequence: event.Seq, Account: event.Account, Fields: c.Fields, Profile: c.Profile}
	if c.Level != nil || c.State != nil || c.Role != nil || c.OTP != nil {
		content.Changes = &accountChanges{Level: c.Level, State: c.State, Role: c.Role, OTP: c.OTP}
	}
	if len(c.Labels) > 0 {
		label := event.Label()
		content.Label = &labelChange{Key: label.Key, Scope: label.Scope, Old: label.Old, New: label.New}
	}
	if c.Document != nil {
		content.Document = &document{Type: c.Document.Type, Size: c.Document.Size, SHA256: c.Document.Digest}
	}
	return content
}

// testBody is the message of barong webhooks test.
func testBody(now time.Time) ([]byte, error) {
	return json.Marshal(message{Type: TestType, Timestamp: now.UTC(), Data: struct{}{}})
}
