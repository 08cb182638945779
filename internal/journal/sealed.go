package journal

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

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

// leaf has the members of a leaf. Their names never change, and a member that is added must be left out of
// the leaves of rows that do not have it: the hashes of rows are kept for ever.
type leaf struct {
	Seq        int64           `json:"seq"`
	SealedAt   string          `json:"sealed_at"`
	Entry      uuid.UUID       `json:"entry"`
	UID        *string         `json:"uid"`
	WrittenAt  string          `json:"written_at"`
	Operation  string          `json:"operation"`
	Form       Form            `json:"form"`
	RequestID  string          `json:"request_id"`
	Signers    []string        `json:"signers"`
	Parameters string          `json:"parameters"` // hexadecimal; "": none
	Proof      json.RawMessage `json:"proof"`
	Payload    *string         `json:"payload"`
	Changed    json.RawMessage `json:"changed"`
}

// Leaf is the row as the Merkle tree holds it: the canonical JSON (RFC 8785) of all columns but salt.
func (s *Sealed) Leaf() ([]byte, error) {
	text, err := json.Marshal(leaf{
		Seq: s.Seq, SealedAt: s.SealedAt.UTC().Format(leafTime), Entry: s.Entry, UID: s.UID, WrittenAt: s.WrittenAt.UTC().Format(leafTime),
		Operation: s.Operation, Form: s.Form, RequestID: s.RequestID, Signers: s.Signers, Parameters: hex.EncodeToString(s.Parameters),
		Proof: s.Proof, Payload: s.Payload, Changed: s.Changed,
	})
	if err != nil {
		return nil, fmt.Errorf("row %d has no canonical form: %w", s.Seq, err)
	}
	canonical := jsontext.Value(text)
	if err := canonical.Canonicalize(); err != nil {
		return nil, fmt.Errorf("row %d has no canonical form: %w", s.Seq, err)
	}
	return canonical, nil
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
	record, err := ParseRecord(u.Record)
	if err != nil {
		return Sealed{}, err
	}
	row := Sealed{
		Entry: u.Entry, UID: u.UID, WrittenAt: record.At.UTC().Truncate(time.Microsecond), Operation: storable(record.Operation), Form: record.Form,
		RequestID: storable(record.RequestID), Signers: make([]string, len(record.Signers)), Parameters: record.Parameters, Salt: u.Salt, Changed: u.Changed,
	}
	for i, signer := range record.Signers {
		row.Signers[i] = storable(signer)
	}
	if record.Payload != "" {
		payload := storable(record.Payload)
		row.Payload = &payload
	}
	if record.Proof != nil {
		row.Proof, err = json.Marshal(record.Proof)
	}
	return row, err
}

// storable is a text without NUL, which Postgres does not store: one such row would stop the sealing of all.
func storable(text string) string { return strings.ReplaceAll(text, "\x00", "\uFFFD") }
