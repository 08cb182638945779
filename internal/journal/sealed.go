package journal

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
	"golang.org/x/mod/sumdb/tlog"
)

// Sealed is a row of the journal exactly as the table has it: Proof and Changed are the stored JSON, with
// members that this version may not know. Row is the same for readers of the content.
type Sealed struct {
	Seq        int64 // consecutive from 1
	SealedAt   time.Time
	Entry      uuid.UUID
	UID        *string
	WrittenAt  time.Time
	Operation  string
	Form       Form
	RequestID  string
	Signers    []string
	Parameters []byte
	Salt       []byte          // not part of the leaf
	Proof      json.RawMessage // a Proof; nil: none
	Payload    *string
	Changed    json.RawMessage // Changes
}

// leafTime is the form of times in a leaf: UTC, always with microseconds, as precise as the database.
const leafTime = "2006-01-02T15:04:05.000000Z"

// Leaf is the row as the Merkle tree holds it: the canonical JSON (RFC 8785) of all columns but salt. The names
// of its members never change, and a member that is added must be left out of the leaves of rows that do not have
// it: the hashes of rows are kept for ever. The members are in the order of their names, as the RFC wants it.
func (s *Sealed) Leaf() ([]byte, error) {
	l := leaf{text: make([]byte, 0, leafSize)}
	l.json("changed", s.Changed)
	l.string("entry", s.Entry.String())
	l.string("form", string(s.Form))
	l.string("operation", s.Operation)
	l.string("parameters", hex.EncodeToString(s.Parameters)) // "": none
	l.optional("payload", s.Payload)
	l.json("proof", s.Proof)
	l.string("request_id", s.RequestID)
	l.string("sealed_at", s.SealedAt.UTC().Format(leafTime))
	l.name("seq")
	l.text = strconv.AppendInt(l.text, s.Seq, 10)
	l.strings("signers", s.Signers)
	l.optional("uid", s.UID)
	l.string("written_at", s.WrittenAt.UTC().Format(leafTime))
	if l.err != nil {
		return nil, fmt.Errorf("row %d has no canonical form: %w", s.Seq, l.err)
	}
	return append(l.text, '}'), nil
}

// Hash is the hash of the row's leaf (RFC 6962).
func (s *Sealed) Hash() (tlog.Hash, error) {
	leaf, err := s.Leaf()
	if err != nil {
		return tlog.Hash{}, err
	}
	return tlog.RecordHash(leaf), nil
}

// Changes parses the column changed.
func (s *Sealed) Changes() (c Changes, err error) {
	err = json.Unmarshal(s.Changed, &c)
	return c, err
}

// Unsealed is a row of the inbox.
type Unsealed struct {
	ID      int64
	Entry   uuid.UUID
	UID     *string
	Record  string // as Record.Text makes it
	Salt    []byte
	Changed json.RawMessage
}

// SealedOf makes rows of the journal of rows of the inbox, in their order. Numbers and times of sealing
// are the caller's.
func SealedOf(inbox []Unsealed) ([]Sealed, error) {
	rows := make([]Sealed, len(inbox))
	for i := range inbox {
		row, err := inbox[i].sealed()
		if err != nil {
			return nil, fmt.Errorf("row %d of the inbox: %w", inbox[i].ID, err)
		}
		rows[i] = row
	}
	return rows, nil
}

func (u *Unsealed) sealed() (Sealed, error) {
	var record struct {
		recordText
		Proof jsontext.Value `json:"proof"` // stays as it is
	}
	if err := jsonv2.Unmarshal([]byte(u.Record), &record, jsontext.AllowInvalidUTF8(true)); err != nil {
		return Sealed{}, err
	}
	row := Sealed{
		Entry: u.Entry, UID: u.UID, WrittenAt: record.At.UTC().Truncate(time.Microsecond), Operation: storable(record.Operation), Form: record.Form,
		RequestID: storable(record.RequestID), Signers: make([]string, len(record.Signers)), Parameters: record.Parameters, Salt: u.Salt,
		Proof: json.RawMessage(record.Proof), Changed: u.Changed,
	}
	for i, signer := range record.Signers {
		row.Signers[i] = storable(signer)
	}
	if record.Payload != "" {
		payload := storable(record.Payload)
		row.Payload = &payload
	}
	return row, nil
}

// storable is a text without NUL, which Postgres does not store: one such row would stop the sealing of all.
func storable(text string) string { return strings.ReplaceAll(text, "\x00", "\uFFFD") }
